// The page begins: a session on the server, its controls, and the work of last time, if there was any.
import { begin, root, $, say, state } from './server.js';
import { options, showControls } from './controls.js';
import './pictures.js';
import { openPhoto, reopen } from './edits.js';
import './keep.js';
// Panels, in their order on the page; see panels.js.
import './save.js';
import { remembered } from './memory.js';

const INVERSIONS = { hfgi: 'hfgi: with details', e4e: 'e4e: codes alone' };
const MOST_SAMPLES = 12;

window.unripple = state; // for tests and benchmarks
// The token is in a cookie by now; nobody needs to read it over a shoulder or in the history.
if (new URLSearchParams(location.search).has('token')) history.replaceState(null, '', location.pathname);

function sampleButton(name) {
  const button = Object.assign(document.createElement('button'), { type: 'button', title: name });
  button.dataset.name = name;
  button.setAttribute('aria-pressed', 'false');
  button.append(Object.assign(document.createElement('img'), { src: '/studio/sample/' + encodeURIComponent(name), alt: 'Sample ' + name, loading: 'lazy' }));
  button.addEventListener('click', () => openPhoto({ sample: name }));
  return button;
}

try {
  const { controls } = await begin();
  options($('models'), controls.models);
  options($('inverter'), controls.inverters, (name) => INVERSIONS[name] || name, controls.inverter);
  showControls(controls);
  $('samples').replaceChildren(...controls.samples.slice(0, MOST_SAMPLES).map(sampleButton));
  const before = await remembered();
  if (!(before && await reopen(before)) && controls.samples.length) await openPhoto({ sample: controls.samples[0] });
} catch (error) {
  say(String(error.message || error), 'bad');
}
root.dataset.ready = 'true';
