// The page begins: a session on the server, its controls, and the work of last time, if there was any.
import { begin, root, $, listen, say, state, tellOthers } from './server.js';
import { speak, speaks, t, translate } from './strings.js';
import { options, showControls } from './controls.js';
import './pictures.js';
import { reopen } from './edits.js';
import './faces.js';
import './pins.js';
import './keep.js';
import './save.js';
// Panels, in their order on the page; see panels.js.
import './presets.js';
import './external.js';
import './text.js';
import { lookAtQueue } from './queue.js';
import { openById, showSamples, showTray } from './photos.js';
import { goThere } from './place.js';
import { remembered } from './memory.js';

window.unripple = state; // for tests and benchmarks
// The token is in a cookie by now; nobody needs to read it over a shoulder or in the history.
if (new URLSearchParams(location.search).has('token')) history.replaceState(null, '', location.pathname + location.hash);

translate();
$('language').value = speaks();
$('language').addEventListener('change', () => { speak($('language').value); tellOthers('language'); });
for (const form of root.querySelectorAll('form')) form.addEventListener('submit', (event) => event.preventDefault());

try {
  const { controls } = await begin();
  options($('models'), controls.models);
  const samples = () => showSamples(controls.samples);
  samples();
  listen('language', samples);
  showControls(controls);
  await showTray();
  if (!(await goThere())) {
    const before = await remembered();
    if (!(before && await reopen(before)) && controls.samples.length) await openById(controls.samples[0]);
  }
  await lookAtQueue();
} catch (error) {
  say(String(error.message || error), 'bad');
}
root.dataset.ready = 'true';
