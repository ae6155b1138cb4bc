// What is seen: one picture under a swipe, alone, all of them side by side, or the pinned edits.
import { $, base, listen, painting, root, state, tellOthers } from './server.js';
import { t } from './strings.js';
import { lensOf } from './zoom.js';

const VIEWS = ['photo', 'inversion', 'edit', 'ripple', 'result', 'difference'];
const OF_EDITS = ['edit', 'ripple', 'result', 'difference'];
const OF_WHOLE_PHOTOS = ['photo', 'result', 'difference'];

export function chosen() { return root.querySelector('input[name=u-shown]:checked').value; }
export function compare() { return root.querySelector('input[name=u-compare]:checked').value; }
export function isWhole() { return $('whole').checked && ['swipe', 'single'].includes(compare()); }
export function address(view, whole = isWhole()) {
  const name = whole && OF_WHOLE_PHOTOS.includes(view) ? 'whole_' + view : view;
  if (OF_EDITS.includes(view) && !state.made.includes(name)) return address('photo', whole);
  return base() + '/pictures/' + name + '?v=' + state.version;
}
export async function ready(url) { // so that nothing flickers
  const image = new Image();
  image.src = url;
  try { await image.decode(); } catch { /* the page will say so */ }
}

export function draw() {
  $('save').disabled = $('save-now').disabled = Boolean(state.refused || !state.photo);
  $('refused').hidden = !state.refused;
  $('empty').hidden = Boolean(state.photo || state.refused);
  if (!state.photo || state.refused) {
    $('frame').hidden = $('tiles').hidden = true;
    return;
  }
  const tiled = ['all', 'pins'].includes(compare());
  const whole = isWhole();
  $('frame').hidden = tiled;
  $('tiles').hidden = !tiled;
  allowViews(tiled, whole);
  $('whole').disabled = tiled;
  if (compare() === 'all') drawTiles();
  tellOthers('tiles');
  if (tiled) return;
  $('frame').style.setProperty('--wide', whole ? state.photo.width / state.photo.height : 1);
  $('frame').style.setProperty('--ratio', whole ? state.photo.width + ' / ' + state.photo.height : '1');
  const swipe = compare() === 'swipe' && chosen() !== 'photo' && !painting();
  $('swipe').hidden = $('line').hidden = !swipe;
  $('frame').style.setProperty('--line', swipe ? $('swipe').value + '%' : '0%');
  $('frame').style.setProperty('--cut', (swipe ? lensOf(Number($('swipe').value)) : 0) + '%');
  setPicture($('under'), address('photo'));
  setPicture($('over'), address(chosen()));
  $('under').alt = t('the.photo');
  $('over').alt = t('view.' + chosen());
  placePreview(whole);
  $('paint').hidden = !whole || !(painting() || state.mask);
  $('paint').classList.toggle('u-still', !painting());
  tellOthers('drawn');
}
function allowViews(tiled, whole) {
  for (const input of root.querySelectorAll('input[name=u-shown]')) {
    const view = input.value;
    const missing = OF_EDITS.includes(view) && view !== 'result' && !state.made.includes(view);
    input.disabled = tiled || missing || (whole && !OF_WHOLE_PHOTOS.includes(view));
    if (input.checked && input.disabled && !tiled) root.querySelector('input[name=u-shown][value=result]').checked = true;
  }
}
function setPicture(image, url) { if (image.getAttribute('src') !== url) image.src = url; }
export function tile(src, title) {
  const figure = document.createElement('figure');
  figure.append(Object.assign(document.createElement('img'), { src, alt: title }), Object.assign(document.createElement('figcaption'), { textContent: title }));
  return figure;
}
function drawTiles() {
  const views = VIEWS.filter((view) => !OF_EDITS.includes(view) || state.made.includes(view));
  $('tiles').replaceChildren(...views.map((view) => tile(base() + '/pictures/' + view + '?v=' + state.version, t('view.' + view))));
}

// ---------------------------------------------------------------- previews
let laid = null; // the preview over a whole photo
function placePreview(whole) {
  $('badge').hidden = !state.preview;
  if (laid) { laid.remove(); laid = null; }
  if (!state.preview) return;
  if (!whole) { $('over').src = state.preview; return; }
  const { width, side, transform } = state.photo;
  const scale = $('sheet').offsetWidth / width;
  laid = Object.assign(document.createElement('img'), { src: state.preview, alt: '' });
  const [a, b, c, d, e, f] = transform;
  Object.assign(laid.style, {
    width: side + 'px', height: side + 'px', inset: 'auto', left: 0, top: 0, transformOrigin: '0 0',
    transform: `scale(${scale}) matrix(${a},${b},${c},${d},${e},${f})`, maxWidth: 'none',
  });
  setPicture($('over'), base() + '/pictures/whole_photo?v=' + state.version);
  $('clip').append(laid);
}
export function showPreview(url) { forgetPreview(); state.preview = url; if (!['all', 'pins'].includes(compare())) draw(); }
export function forgetPreview() {
  if (state.preview) URL.revokeObjectURL(state.preview);
  state.preview = '';
}

// ---------------------------------------------------------------- before, while it is held
function before(on) { $('frame').classList.toggle('u-before', on); $('before').setAttribute('aria-pressed', String(on)); }
$('before').addEventListener('pointerdown', () => before(true));
for (const end of ['pointerup', 'pointercancel', 'pointerleave', 'blur']) $('before').addEventListener(end, () => before(false));
$('before').addEventListener('keydown', (event) => { if ([' ', 'Enter'].includes(event.key)) { event.preventDefault(); before(true); } });
$('before').addEventListener('keyup', () => before(false));
const inText = (event) => event.target.matches('input[type=text], input:not([type]), textarea, select');
document.addEventListener('keydown', (event) => { if (event.key.toLowerCase() === 'b' && !event.ctrlKey && !event.metaKey && !inText(event)) before(true); });
document.addEventListener('keyup', (event) => { if (event.key.toLowerCase() === 'b') before(false); });

for (const input of root.querySelectorAll('input[name=u-compare], input[name=u-shown], #u-whole')) input.addEventListener('change', draw);
$('swipe').addEventListener('input', draw);
window.addEventListener('resize', draw);
listen('draw', draw);
listen('language', draw);
