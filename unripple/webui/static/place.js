// The page's address says which photo and edit it shows, so that a bookmark and the way back find them.
import { isEdit } from './controls.js';
import { reopen, wholeEdit } from './edits.js';
import { openById } from './photos.js';
import { $, listen, say, state } from './server.js';
import { remembered } from './memory.js';
import { t } from './strings.js';

let going = false; // back or forward, which write no address of their own

function written() {
  const asked = wholeEdit();
  const said = new URLSearchParams({ photo: state.source.query.id });
  if (isEdit(asked)) said.set('edit', JSON.stringify(asked));
  return '#' + said;
}
function write(anew) {
  if (!state.source || going || state.refused) return;
  const address = location.pathname + written();
  if (anew && new URLSearchParams(location.hash.slice(1)).get('photo') !== state.source.query.id) history.pushState(null, '', address);
  else history.replaceState(null, '', address);
}
listen('place', () => write(true));
listen('settled', () => write(false));

// What an address says, shown; false if it says nothing that can be shown.
export async function goThere() {
  const said = new URLSearchParams(location.hash.slice(1));
  const id = said.get('photo');
  if (!id) return false;
  going = true;
  try {
    let asked = null;
    try { asked = JSON.parse(said.get('edit')); } catch { /* then as it was left here */ }
    const before = await remembered(id);
    const mine = id.startsWith('my-');
    if (mine && !before) { say(t('gone'), 'bad'); return false; }
    if (!asked || typeof asked.moves !== 'object') return Boolean(before ? await reopen(before) : await openById(id));
    const fresh = { query: { id, sample: id }, body: null, settings: {}, models: $('models').value, inverter: $('inverter').value };
    return await reopen({ ...(before || fresh), edit: asked });
  } finally { going = false; }
}
window.addEventListener('popstate', goThere);
