// Sliders and the pose pad: what the edit is. Whoever moves one makes the page say "moved".
import { $, listen, root, state, tellOthers } from './server.js';
import { panelsEdit, setPanels } from './panels.js';
import { said, t } from './strings.js';

// What the controls say.
export function edit() {
  const moves = {};
  for (const [name, one] of state.sliders) {
    const degree = Number(one.input.value);
    if (one.touched && (one.place || degree !== 0)) moves[name] = degree;
  }
  return { moves, translation: state.translation, ...panelsEdit() };
}
export function isEdit({ moves, translation, ...more }) {
  return Object.keys(moves).length > 0 || translation !== '' || Object.keys(more).length > 0;
}
export function setControls({ moves = {}, translation = '', ...more }) {
  setPanels(more);
  for (const one of state.sliders.values()) resetSlider(one);
  for (const [name, degree] of Object.entries(moves)) if (state.sliders.has(name)) setSlider(state.sliders.get(name), degree);
  state.translation = translation;
  tellOthers('controls');
}
// An edit in a few words, for histories and pins.
export function labelOf({ moves = {}, translation = '', ...more }) {
  const words = Object.entries(moves).map(([name, degree]) => {
    const one = state.sliders.get(name);
    return (one ? said('slider', one.title) : name) + ' ' + String(degree).replace('-', '−');
  });
  if (translation) words.push(titleOf(translation));
  if (typeof more.text === 'string') words.push('“' + more.text + '”');
  return words.join(', ') || t('history.start');
}
let titleOf = (name) => name;
export function nameTranslations(call) { titleOf = call; }
const moved = () => tellOthers('moved');

// ---------------------------------------------------------------- sliders
function hintOf({ about, unit }) { return said('about', about) + (unit ? '; ' + t('step', { unit: said('unit', unit) }) : ''); }
function sliderRow(slider) {
  const row = document.createElement('div');
  row.className = 'u-slider';
  const id = 'u-slider-' + slider.name;
  const label = Object.assign(document.createElement('label'), { htmlFor: id, textContent: said('slider', slider.title), title: hintOf(slider) });
  const title = label.textContent;
  const remark = Object.assign(document.createElement('span'), { className: 'u-weak' });
  label.append(' ', remark);
  const output = Object.assign(document.createElement('output'), { htmlFor: id });
  const input = Object.assign(document.createElement('input'), { type: 'range', id, min: slider.low, max: slider.high, step: slider.step, value: 0 });
  const reset = Object.assign(document.createElement('button'), { type: 'button', textContent: '↺', title: t('reset', { name: title }) });
  reset.setAttribute('aria-label', t('reset', { name: title }));
  const one = { ...slider, row, input, output, remark, touched: false };
  input.addEventListener('input', () => { one.touched = true; drawSlider(one); if (!one.undecided) moved(); });
  input.addEventListener('dblclick', () => { resetSlider(one); moved(); });
  reset.addEventListener('click', () => { resetSlider(one); moved(); input.focus(); });
  leaveToScrolling(one);
  row.append(label, output, reset, input);
  state.sliders.set(slider.name, one);
  suit(one);
  drawSlider(one);
  return row;
}
// A slider goes as far as convinces on the photo that is open: on its own pixels, where the generator
// does not know it. What an edit asks beyond that is shown all the same.
function suit(one, degree = Number(one.input.value)) {
  const foreign = Boolean(state.photo && state.photo.foreign);
  const [low, high] = (foreign && one.real) || [one.low, one.high];
  const { input } = one;
  input.min = Math.min(low, degree);
  input.max = Math.max(high, degree);
  input.style.setProperty('--zero', (100 * -input.min) / (input.max - input.min) + '%');
  const word = foreign ? !one.real && 'drawn' : one.weak && 'weak';
  one.remark.textContent = word ? t(word) : '';
  one.remark.title = word ? t(word + '.title') : '';
}
listen('faces', () => { for (const one of state.sliders.values()) suit(one); });
// A finger that begins on a slider and scrolls the page has set the slider where it began: the
// browser takes the pointer away for the scrolling, and the slider goes back. Until it is clear that
// the finger does not scroll, nothing is drawn anew.
function leaveToScrolling(one) {
  let before = null;
  one.input.addEventListener('pointerdown', (event) => {
    one.undecided = event.pointerType !== 'mouse';
    before = one.undecided ? { degree: Number(one.input.value), touched: one.touched } : null;
  });
  const decided = () => {
    if (!one.undecided) return;
    one.undecided = false;
    if (before && Number(one.input.value) !== before.degree) moved();
  };
  for (const event of ['pointermove', 'pointerup']) one.input.addEventListener(event, decided);
  one.input.addEventListener('pointercancel', () => {
    if (!before) return;
    const seen = !one.undecided && Number(one.input.value) !== before.degree;
    setSlider(one, before.degree);
    one.touched = before.touched;
    one.undecided = false;
    drawSlider(one);
    before = null;
    if (seen) moved();
  });
}
function drawSlider(one) {
  const degree = Number(one.input.value);
  one.row.classList.toggle('u-moved', one.touched && (one.place || degree !== 0));
  one.output.textContent = one.touched ? degree.toFixed(1).replace('-', '−') : '0.0';
  if (one.name === 'yaw' || one.name === 'pitch') drawPad();
}
function resetSlider(one) { suit(one, 0); one.input.value = 0; one.touched = false; drawSlider(one); }
function setSlider(one, degree) {
  const [low, high] = one.real || [one.low, one.high];
  const kept = Math.min(Math.max(one.high, high), Math.max(Math.min(one.low, low), degree));
  suit(one, kept);
  one.input.value = kept;
  one.touched = true;
  drawSlider(one);
}
let shown = null;
export function showControls(controls) {
  shown = controls;
  state.sliders.clear();
  $('groups').replaceChildren();
  $('pose-sliders').replaceChildren();
  controls.groups.forEach((group, number) => {
    if (group.title === 'Pose') {
      $('pose-sliders').append(...group.sliders.map(sliderRow));
      return;
    }
    const part = Object.assign(document.createElement('details'), { className: 'u-part', open: number < 2 });
    const summary = Object.assign(document.createElement('summary'), { textContent: said('group', group.title) });
    part.append(summary, ...group.sliders.map(sliderRow));
    $('groups').append(part);
  });
  $('pad').hidden = !state.sliders.has('yaw');
  state.translations = controls.translations;
  if (!controls.translations.includes(state.translation)) state.translation = '';
  tellOthers('translations');
  state.texts = controls.texts;
  tellOthers('texts');
  // One whose line is missing among the texts is shown by its own name.
  const title = (name) => t('inverter.' + name).replace(/^inverter\./, '');
  options($('inverter'), controls.inverters, title, $('inverter').value || controls.inverter);
}
listen('language', () => {
  if (!shown) return;
  const before = edit();
  showControls(shown);
  setControls(before);
});
export function options(select, names, title = (name) => name, chosen = select.value) {
  select.replaceChildren(...names.map((name) => new Option(title(name), name)));
  select.value = names.includes(chosen) ? chosen : names[0];
}
$('reset-all').addEventListener('click', () => { setControls({}); moved(); });

// ---------------------------------------------------------------- pose pad
function pair() { return [state.sliders.get('yaw'), state.sliders.get('pitch')]; }
function drawPad() {
  const [yaw, pitch] = pair();
  const share = (one) => (one ? Number(one.input.value) / Math.max(-one.low, one.high) : 0);
  $('dot').style.left = 50 + 42 * share(yaw) + '%';
  $('dot').style.top = 50 - 42 * share(pitch) + '%';
}
function padTo(event) {
  const box = $('pad').getBoundingClientRect();
  const [yaw, pitch] = pair();
  const at = (place, length) => Math.max(-1, Math.min(1, (place / length - 0.5) / 0.42));
  const set = (one, share) => one && setSlider(one, Math.round(share * Math.max(-one.low, one.high) * 10) / 10);
  set(yaw, at(event.clientX - box.left, box.width));
  set(pitch, -at(event.clientY - box.top, box.height));
  moved();
}
// A mouse sets the pad wherever it is pressed. A finger drags the dot; elsewhere on the pad it
// scrolls the page, or sets the pose by a tap.
const holds = (event) => event.pointerType === 'mouse' || event.target === $('dot');
$('pad').addEventListener('pointerdown', (event) => {
  if (!holds(event)) return;
  event.target.setPointerCapture(event.pointerId);
  if (event.pointerType === 'mouse') padTo(event);
});
$('pad').addEventListener('pointermove', (event) => { if (event.buttons && holds(event)) padTo(event); });
$('pad').addEventListener('click', (event) => { if (event.target !== $('dot')) padTo(event); });
$('pad').addEventListener('keydown', (event) => {
  const [yaw, pitch] = pair();
  const step = event.shiftKey ? 5 : 1; // degrees
  const keys = { ArrowLeft: [yaw, -step], ArrowRight: [yaw, step], ArrowUp: [pitch, step], ArrowDown: [pitch, -step] };
  if (event.key === 'Home') [yaw, pitch].forEach((one) => one && resetSlider(one));
  else if (keys[event.key] && keys[event.key][0]) setSlider(keys[event.key][0], Number(keys[event.key][0].input.value) + keys[event.key][1]);
  else return;
  event.preventDefault();
  moved();
});
root.addEventListener('submit', (event) => event.preventDefault());
