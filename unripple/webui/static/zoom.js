// Zoom and pan, to single pixels: by wheel, pinch, double click, buttons and keys. What is sent of a
// large photo is smaller than it is; whoever looks closer gets its very pixels from the server.
import { $, base, listen, painting, root, state, tellOthers } from './server.js';

const STEP = 1.25, MOST = 32, PAN_PX = 60, EXACT_MS = 140, SENT_PX = 1280;
let scale = 1, left = 0, top = 0; // 1 fits; px of the frame

const box = () => $('frame').getBoundingClientRect();
const whole = () => $('whole').checked;
// So many times must the fitted picture grow until a pixel of it is a pixel of the screen.
function oneToOne() { return (whole() ? state.photo.width : state.photo.side) / box().width / devicePixelRatio; }
// Where the swipe's line lies in the picture, percent, given where it lies on the frame.
export function lensOf(percent) {
  const width = box().width || 1;
  return Math.min(100, Math.max(0, (100 * ((percent / 100) * width - left)) / (scale * width)));
}
function place() {
  const { width, height } = box();
  const inside = (start, length) => (scale >= 1 ? Math.min(0, Math.max(length * (1 - scale), start)) : (length * (1 - scale)) / 2);
  left = inside(left, width);
  top = inside(top, height);
  $('sheet').style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
  $('frame').classList.toggle('u-close', scale > 1);
  $('frame').classList.toggle('u-pixels', scale > 1 && scale / oneToOne() >= 2);
  $('zoom-level').textContent = state.photo ? Math.round((100 * scale) / oneToOne()) + ' %' : '';
}
// Everything about the place is set; the swipe's line stays where it is on the screen.
function show() { place(); tellOthers('draw'); clearTimeout(waiting); waiting = setTimeout(exact, EXACT_MS); }
let waiting = 0;

export function zoomTo(wanted, x = box().width / 2, y = box().height / 2) {
  if (!state.photo || $('frame').hidden) return;
  const least = Math.min(1, oneToOne()), next = Math.min(Math.max(wanted, least), MOST * Math.max(1, oneToOne()));
  left = x - ((x - left) * next) / scale;
  top = y - ((y - top) * next) / scale;
  scale = next;
  show();
}
function pan(dx, dy) { left += dx; top += dy; show(); }
export function fit() { scale = 1; left = top = 0; if (state.photo && !$('frame').hidden) show(); }
const at = (event) => [event.clientX - box().left, event.clientY - box().top];

$('frame').addEventListener('wheel', (event) => {
  const grows = event.deltaY < 0;
  if (!grows && scale <= Math.min(1, oneToOne())) return; // nothing to zoom out of: the page scrolls
  if (!grows && scale <= 1 && !event.ctrlKey) return;
  event.preventDefault();
  zoomTo(scale * Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0018)), ...at(event));
}, { passive: false });
$('frame').addEventListener('dblclick', (event) => {
  if (painting() || event.target.closest('button, #u-swipe')) return;
  if (scale !== 1) fit(); else zoomTo(oneToOne() > 1 ? oneToOne() : 2, ...at(event));
});

// ---------------------------------------------------------------- fingers and mouse
const held = new Map(); // pointers on the picture
let spread = 0;
$('frame').addEventListener('pointerdown', (event) => {
  held.set(event.pointerId, at(event));
  if (held.size === 2) spread = distance();
});
function distance() { const [[a, b], [c, d]] = [...held.values()]; return Math.hypot(a - c, b - d) || 1; }
function middle() { const [[a, b], [c, d]] = [...held.values()]; return [(a + c) / 2, (b + d) / 2]; }
$('frame').addEventListener('pointermove', (event) => {
  const before = held.get(event.pointerId);
  if (!before || !event.buttons) return;
  const now = at(event);
  if (held.size === 2) {
    const from = middle();
    held.set(event.pointerId, now);
    const to = middle(), apart = distance();
    left += to[0] - from[0];
    top += to[1] - from[1];
    zoomTo((scale * apart) / spread, ...to);
    spread = apart;
    return;
  }
  held.set(event.pointerId, now);
  if (painting() || event.target === $('swipe')) return;
  if (scale > 1) pan(now[0] - before[0], now[1] - before[1]);
  else if (!$('swipe').hidden) {
    $('swipe').value = (100 * now[0]) / box().width;
    tellOthers('draw');
  }
});
for (const end of ['pointerup', 'pointercancel', 'pointerleave']) $('frame').addEventListener(end, (event) => held.delete(event.pointerId));
export const pinching = () => held.size > 1;

// ---------------------------------------------------------------- keys and buttons
$('frame').addEventListener('keydown', (event) => {
  if (event.target !== $('frame') || event.ctrlKey || event.metaKey || event.altKey) return;
  const keys = {
    '+': () => zoomTo(scale * STEP), '=': () => zoomTo(scale * STEP), '-': () => zoomTo(scale / STEP), 0: fit, 1: () => zoomTo(oneToOne()),
    ArrowLeft: () => pan(PAN_PX, 0), ArrowRight: () => pan(-PAN_PX, 0), ArrowUp: () => pan(0, PAN_PX), ArrowDown: () => pan(0, -PAN_PX),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
$('zoom-in').addEventListener('click', () => zoomTo(scale * STEP * STEP));
$('zoom-out').addEventListener('click', () => zoomTo(scale / STEP / STEP));
$('zoom-fit').addEventListener('click', fit);
$('zoom-one').addEventListener('click', () => zoomTo(oneToOne()));

// ---------------------------------------------------------------- the photo's very pixels
function forget() { for (const id of ['exact-under', 'exact-over']) { $(id).hidden = true; $(id).removeAttribute('src'); } }
async function exact() {
  const { width, height } = box();
  const { photo } = state;
  const sent = Math.min(1, SENT_PX / (photo ? photo.height : 1)); // of the photo's size
  if (!photo || !whole() || $('frame').hidden || state.preview || scale <= 1 || (scale / oneToOne()) <= sent) { forget(); return; }
  const px = photo.width / (width * scale); // of the photo, for one of the frame
  const x = Math.max(0, Math.floor(-left * px)), y = Math.max(0, Math.floor(-top * px));
  const w = Math.min(photo.width - x, Math.ceil(width * px) + 1), h = Math.min(photo.height - y, Math.ceil(height * px) + 1);
  const view = root.querySelector('input[name=u-shown]:checked').value;
  const over = state.made.includes('whole_' + view) ? view : 'photo';
  await Promise.all([['exact-under', 'photo'], ['exact-over', over]].map(async ([id, name]) => {
    const url = `${base()}/pixels/${name}?` + new URLSearchParams({ x, y, w, h, v: state.version });
    const image = new Image();
    image.src = url;
    try { await image.decode(); } catch { return; }
    Object.assign($(id), { src: url, hidden: false });
    Object.assign($(id).style, { left: (100 * x) / photo.width + '%', top: (100 * y) / photo.height + '%', width: (100 * w) / photo.width + '%', height: (100 * h) / photo.height + '%' });
  }));
}
listen('photo', fit);
listen('made', () => { forget(); if (scale > 1) exact(); });
listen('drawn', () => { place(); if (state.preview) forget(); });
$('whole').addEventListener('change', fit);
for (const input of root.querySelectorAll('input[name=u-shown]')) input.addEventListener('change', () => { forget(); if (scale > 1) exact(); });
window.addEventListener('resize', () => state.photo && place());
