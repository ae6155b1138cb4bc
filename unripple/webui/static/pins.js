// Edits that are kept to be compared: thumbnails below the picture, all of them side by side.
import { $, ask, base, listen, root, say, state } from './server.js';
import { labelOf } from './controls.js';
import { applyEdit, asksNothing, full, settled, upToDate, wholeEdit } from './edits.js';
import { compare, draw, tile } from './pictures.js';
import { keepPins, keptPins } from './memory.js';
import { t } from './strings.js';

const MOST = 8;
let pins = []; // {photo, edit, label, picture: Blob}
const urls = new WeakMap();
function urlOf(blob) {
  if (!urls.has(blob)) urls.set(blob, URL.createObjectURL(blob));
  return urls.get(blob);
}
const mine = () => pins.filter((pin) => state.source && pin.photo === state.source.query.id);

$('pin').addEventListener('click', async () => {
  if (!state.photo || asksNothing()) { say(t('edit.first'), 'bad'); return; }
  const asked = wholeEdit(), label = labelOf(asked);
  try {
    if (!(await upToDate())) return;
    const picture = await (await ask('/pictures/result')).blob();
    pins = [...pins.filter((pin) => !(pin.photo === state.source.query.id && JSON.stringify(pin.edit) === JSON.stringify(asked))), { photo: state.source.query.id, edit: asked, label, picture }].slice(-MOST);
    keepPins(pins);
    show();
    say(t('pinned', { label }), 'good');
  } catch (error) { say(error.message, 'bad'); }
});
function away(pin) {
  pins = pins.filter((one) => one !== pin);
  keepPins(pins);
  if (!mine().length && compare() === 'pins') root.querySelector('input[name=u-compare][value=swipe]').checked = true;
  draw();
  show();
}
async function back(pin) {
  root.querySelector('input[name=u-compare][value=swipe]').checked = true;
  await applyEdit(pin.edit);
  draw();
  settled();
  await full();
}
function button(text, title, call, className) {
  const one = Object.assign(document.createElement('button'), { type: 'button', title, className });
  one.setAttribute('aria-label', title);
  if (typeof text === 'string') one.textContent = text; else one.append(text);
  one.addEventListener('click', call);
  return one;
}
function show() {
  const shown = mine();
  $('pins').hidden = !shown.length;
  root.querySelector('input[name=u-compare][value=pins]').disabled = !shown.length;
  $('pin-list').replaceChildren(...shown.map((pin) => {
    const item = document.createElement('li');
    const image = Object.assign(document.createElement('img'), { src: urlOf(pin.picture), alt: '' });
    const label = Object.assign(document.createElement('span'), { textContent: pin.label });
    item.append(button(image, t('pin.back', { label: pin.label }), () => back(pin), 'u-thumb'), label, button('×', t('pin.away', { label: pin.label }), () => away(pin), 'u-away'));
    return item;
  }));
  tiles();
}
function tiles() {
  if (compare() !== 'pins' || !state.photo || state.refused) return;
  const now = state.made.includes('result') ? [tile(base() + '/pictures/result?v=' + state.version, t('pin.now'))] : [];
  $('tiles').replaceChildren(tile(base() + '/pictures/photo?v=' + state.version, t('view.photo')), ...mine().map((pin) => tile(urlOf(pin.picture), pin.label)), ...now);
}
listen('tiles', tiles);
listen('photo', show);
listen('language', show);
keptPins().then((kept) => { pins = kept; show(); });
