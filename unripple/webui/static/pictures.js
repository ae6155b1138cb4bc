// What is seen: one picture under a swipe, alone, or all of them side by side.
import { $, base, listen, painting, root, state } from './server.js';

const VIEWS = [['photo', 'Photo'], ['inversion', 'Inversion'], ['edit', 'With ripples'], ['ripple', 'Ripple'], ['result', 'Result']];
const OF_EDITS = ['edit', 'ripple', 'result'];
const OF_WHOLE_PHOTOS = ['photo', 'result'];

export function chosen() { return root.querySelector('input[name=u-shown]:checked').value; }
export function compare() { return root.querySelector('input[name=u-compare]:checked').value; }
export function address(view) {
  const whole = $('whole').checked && OF_WHOLE_PHOTOS.includes(view);
  const name = whole ? 'whole_' + view : view;
  if (view === 'result' && !state.made.includes('result')) return address('photo');
  return base() + '/pictures/' + name + '?v=' + state.version;
}
export async function ready(url) { // so that nothing flickers
  const image = new Image();
  image.src = url;
  try { await image.decode(); } catch { /* the page will say so */ }
}

export function draw() {
  $('save').disabled = Boolean(state.refused);
  $('refused').hidden = !state.refused;
  $('empty').hidden = Boolean(state.photo || state.refused);
  if (!state.photo || state.refused) {
    $('frame').hidden = $('tiles').hidden = true;
    return;
  }
  const all = compare() === 'all';
  const whole = $('whole').checked && !all;
  $('frame').hidden = all;
  $('tiles').hidden = !all;
  allowViews(all, whole);
  $('whole').disabled = all;
  if (all) { drawTiles(); return; }
  $('frame').style.setProperty('--wide', whole ? state.photo.width / state.photo.height : 1);
  $('frame').style.setProperty('--ratio', whole ? state.photo.width + ' / ' + state.photo.height : '1');
  const swipe = compare() === 'swipe' && chosen() !== 'photo';
  $('swipe').hidden = $('line').hidden = !swipe || painting();
  $('frame').style.setProperty('--cut', swipe && !painting() ? $('swipe').value + '%' : '0%');
  setPicture($('under'), address('photo'));
  setPicture($('over'), address(chosen()));
  $('under').alt = 'The photo';
  $('over').alt = VIEWS.find(([name]) => name === chosen())[1];
  placePreview(whole);
  $('paint').hidden = !whole || !(painting() || state.keep);
  $('paint').classList.toggle('u-still', !painting());
}
function allowViews(all, whole) {
  for (const input of root.querySelectorAll('input[name=u-shown]')) {
    const view = input.value;
    const missing = ['edit', 'ripple'].includes(view) && !state.made.includes(view);
    input.disabled = all || missing || (whole && !OF_WHOLE_PHOTOS.includes(view));
    if (input.checked && input.disabled && !all) root.querySelector('input[name=u-shown][value=result]').checked = true;
  }
}
function setPicture(image, url) { if (image.getAttribute('src') !== url) image.src = url; }
function drawTiles() {
  const views = VIEWS.filter(([view]) => !OF_EDITS.includes(view) || state.made.includes(view));
  $('tiles').replaceChildren(...views.map(([view, title]) => {
    const figure = document.createElement('figure');
    const image = Object.assign(document.createElement('img'), { src: base() + '/pictures/' + view + '?v=' + state.version, alt: title });
    figure.append(image, Object.assign(document.createElement('figcaption'), { textContent: title }));
    return figure;
  }));
}

// ---------------------------------------------------------------- previews
let laid = null; // the preview over a whole photo
function placePreview(whole) {
  $('badge').hidden = !state.preview;
  if (laid) { laid.remove(); laid = null; }
  if (!state.preview) return;
  if (!whole) { $('over').src = state.preview; return; }
  const { width, side, transform } = state.photo;
  const scale = $('frame').clientWidth / width;
  laid = Object.assign(document.createElement('img'), { src: state.preview, alt: '' });
  const [a, b, c, d, e, f] = transform;
  Object.assign(laid.style, {
    width: side + 'px', height: side + 'px', inset: 'auto', left: 0, top: 0, transformOrigin: '0 0',
    transform: `scale(${scale}) matrix(${a},${b},${c},${d},${e},${f})`, maxWidth: 'none',
  });
  setPicture($('over'), base() + '/pictures/whole_photo?v=' + state.version);
  $('clip').append(laid);
}
export function showPreview(url) { forgetPreview(); state.preview = url; if (compare() !== 'all') draw(); }
export function forgetPreview() {
  if (state.preview) URL.revokeObjectURL(state.preview);
  state.preview = '';
}

// ---------------------------------------------------------------- figures
const number = (value, digits, unit = '') => (value === null || value === undefined ? '–' : value.toFixed(digits).replace('-', '−') + unit);
export function drawFigures({ figures, warnings, pictures }) {
  $('figures').hidden = !pictures.length;
  $('identity-before').textContent = '1.00';
  $('identity-after').textContent = number(figures.identity, 2);
  $('yaw-before').textContent = number(figures.yaw_before, 1, '°');
  $('yaw-after').textContent = number(figures.yaw_after, 1, '°');
  $('ghost-before').textContent = number(figures.ghost_before, 2);
  $('ghost-after').textContent = number(figures.ghost_after, 2);
  $('warnings').replaceChildren(...(warnings || []).map((text) => Object.assign(document.createElement('li'), { textContent: text })));
}

for (const input of root.querySelectorAll('input[name=u-compare], input[name=u-shown], #u-whole')) input.addEventListener('change', draw);
$('swipe').addEventListener('input', draw);
$('frame').addEventListener('pointermove', (event) => {
  if (!event.buttons || $('swipe').hidden || event.target === $('swipe') || painting()) return;
  const box = $('frame').getBoundingClientRect();
  $('swipe').value = (100 * (event.clientX - box.left)) / box.width;
  draw();
});
window.addEventListener('resize', draw);
listen('draw', draw);
