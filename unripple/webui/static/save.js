// What an edit leaves behind: a picture's file, a named translation.
import { $, ask, base, json, say, state, tellOthers } from './server.js';
import { asksNothing, upToDate } from './edits.js';
import { t } from './strings.js';

const REVOKE_MS = 10000;

export async function download(path) {
  const answer = await ask(path);
  if (answer === null) return '';
  const said = answer.headers.get('content-disposition') || '';
  const name = decodeURIComponent((/filename\*=UTF-8''([^;]+)/.exec(said) || [])[1] || 'edited.png');
  const url = URL.createObjectURL(await answer.blob());
  Object.assign(document.createElement('a'), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_MS);
  return name;
}
function formats() { $('quality-row').hidden = $('format').value !== 'jpeg'; $('quality-said').textContent = $('quality').value; }
$('format').addEventListener('change', formats);
$('quality').addEventListener('input', formats);
formats();
async function save() {
  const asked = new URLSearchParams({ format: $('format').value, metadata: $('metadata').checked ? 1 : 0, ...($('format').value === 'jpeg' ? { quality: $('quality').value } : {}) });
  try {
    if (state.photo && !asksNothing()) await upToDate();
    const name = await download('/result?' + asked);
    if (name) say(t('saved', { name }), 'good');
  } catch (error) { say(error.message, 'bad'); }
}
for (const id of ['save', 'save-now']) $(id).addEventListener('click', save);
$('translation-form').addEventListener('submit', async () => {
  try {
    const saved = await (await ask('/translation', json({ name: $('translation-name').value.trim() }))).json();
    state.translations = saved.translations;
    tellOthers('translations');
    say(t('translation.saved', { file: saved.file }), 'good');
  } catch (error) { say(error.message, 'bad'); }
});
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); }); // its session has ended
window.addEventListener('pagehide', () => { if (state.session) navigator.sendBeacon(base() + '/end'); });
