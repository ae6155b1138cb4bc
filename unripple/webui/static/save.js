// What an edit leaves behind: a picture, a line of a batch, a named translation.
import { $, ask, base, json, say, state } from './server.js';
import { options } from './controls.js';

const REVOKE_MS = 10000;

$('save').addEventListener('click', async () => {
  try {
    const answer = await ask('/result.png');
    const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') || '');
    const url = URL.createObjectURL(await answer.blob());
    Object.assign(document.createElement('a'), { href: url, download: name ? name[1] : 'edited.png' }).click();
    setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
    say('Image saved.', 'good');
  } catch (error) { say(error.message, 'bad'); }
});
$('batch-form').addEventListener('submit', async () => {
  try {
    const added = await (await ask('/batch', json({ name: $('batch-name').value.trim() }))).json();
    say(`${added.new ? 'Added' : 'It was there already'}: ${added.edit}. Run: ${added.command}`, 'done');
  } catch (error) { say(error.message, 'bad'); }
});
$('translation-form').addEventListener('submit', async () => {
  try {
    const saved = await (await ask('/translation', json({ name: $('translation-name').value.trim() }))).json();
    options($('translation'), ['', ...saved.translations], (name) => name || 'None');
    say(`Saved as ${saved.file}.`, 'good');
  } catch (error) { say(error.message, 'bad'); }
});
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); }); // its session has ended
window.addEventListener('pagehide', () => { if (state.session) navigator.sendBeacon(base() + '/end'); });
