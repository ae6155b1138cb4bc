// How far the server is with what the picture waits for: stage, seconds, and a button to cancel it.
import { $, ask, base, listen, say } from './server.js';
import { t } from './strings.js';

const PATIENCE_MS = 350; // shorter work shows no bar
const POLL_MS = 300;
let now = null; // what is waited for

// Do something that may be cancelled: `call` gets a signal for its request. `cancelled` is called at
// once where people cancel; the server ends at its next stage.
export async function cancellable(call, cancelled = () => {}) {
  const mine = { control: new AbortController(), began: performance.now(), cancelled };
  if (now) now.control.abort(); // a newer one takes its place
  now = mine;
  const soon = setTimeout(() => poll(mine), PATIENCE_MS);
  try {
    return await call(mine.control.signal);
  } finally {
    clearTimeout(soon);
    if (now === mine) { now = null; show(); }
  }
}
export function cancel() {
  if (!now) return false;
  const { control, cancelled } = now;
  now = null;
  control.abort();
  show();
  fetch(base() + '/cancel', { method: 'POST' }).catch(() => {});
  say(t('cancelled'));
  cancelled();
  return true;
}
async function poll(mine) {
  while (now === mine) {
    let told = {};
    try { told = await (await ask('/progress')).json(); } catch { /* the work itself will say so */ }
    if (now === mine) show(told, (performance.now() - mine.began) / 1000);
    await new Promise((later) => setTimeout(later, POLL_MS));
  }
}
function show(told = null, seconds = 0) {
  $('progress').hidden = !told;
  if (!told) return;
  $('progress-stage').textContent = told.stage ? t('stage.' + told.stage) : t('stage.start');
  $('progress-seconds').textContent = seconds.toFixed(1) + ' s';
}
$('cancel').addEventListener('click', cancel);
document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && cancel()) event.preventDefault(); });
listen('photo', () => show());
