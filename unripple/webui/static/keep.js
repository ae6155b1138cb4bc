// What must stay unedited: painted over the whole photo by mouse, finger or keys, or a picture of its
// shape. state.mask is that picture, white where the photo stays, or null.
import { $, ask, listen, painting, root, say, state, tellOthers } from './server.js';
import { full, restoreMaskBy, settled } from './edits.js';
import { maskOf, rememberMask } from './memory.js';
import { pinching } from './zoom.js';
import { t } from './strings.js';

const LARGEST_PX = 1024, MOST_STROKES = 20, KEY_PX = 14;
const INK = '#1f5f7a', INK_RGB = [31, 95, 122]; // shown half transparent by the style sheet
const canvas = $('paint');
const pen = canvas.getContext('2d', { willReadFrequently: true });
const draw = () => tellOthers('draw');
let strokes = []; // what the canvas showed before each of the last ones

function prepareCanvas() {
  const shrink = Math.min(1, LARGEST_PX / Math.max(state.photo.width, state.photo.height));
  const width = Math.max(1, Math.round(state.photo.width * shrink)), height = Math.max(1, Math.round(state.photo.height * shrink));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}
const pixels = () => pen.getImageData(0, 0, canvas.width, canvas.height);
function beginStroke() {
  strokes = [...strokes, pixels()].slice(-MOST_STROKES);
  $('keep-undo').disabled = false;
}
$('paint-toggle').addEventListener('click', () => {
  if (!state.photo || state.refused) { say(t('choose.first'), 'bad'); return; }
  const on = !painting();
  $('paint-toggle').setAttribute('aria-pressed', String(on));
  if (on) {
    root.querySelector('input[name=u-compare][value=single]').checked = true;
    $('whole').checked = true;
    prepareCanvas();
    say(t('keep.how'), 'good');
  }
  draw();
  tellOthers('faces');
});
$('erase').addEventListener('click', () => {
  $('erase').setAttribute('aria-pressed', String(!erasing()));
  if (!painting()) $('paint-toggle').click();
});
const erasing = () => $('erase').getAttribute('aria-pressed') === 'true';

// ---------------------------------------------------------------- strokes
let last = null; // where the brush was, px of the canvas
function brushTo(at, scale) {
  pen.globalCompositeOperation = erasing() ? 'destination-out' : 'source-over';
  pen.lineCap = pen.lineJoin = 'round';
  pen.lineWidth = Number($('brush').value) * scale;
  pen.strokeStyle = INK;
  pen.beginPath();
  pen.moveTo(...(last || at));
  pen.lineTo(at[0] + 0.01, at[1]);
  pen.stroke();
  pen.globalCompositeOperation = 'source-over';
  last = at;
}
function paintTo(event) {
  const box = canvas.getBoundingClientRect();
  const scale = canvas.width / box.width;
  brushTo([(event.clientX - box.left) * scale, (event.clientY - box.top) * scale], scale); // finer where one looks closer
}
canvas.addEventListener('pointerdown', (event) => {
  if (!painting()) return;
  if (pinching()) { if (last) undoStroke(false); last = null; return; } // the second finger zooms
  canvas.setPointerCapture(event.pointerId);
  beginStroke();
  last = null;
  paintTo(event);
});
canvas.addEventListener('pointermove', (event) => { if (event.buttons && painting() && last && !pinching()) paintTo(event); });
canvas.addEventListener('pointerup', () => { if (last) { last = null; sendPainted(); } });
canvas.addEventListener('pointercancel', () => { if (last) { last = null; undoStroke(false); } });

let cursor = [0.5, 0.5]; // of the keys, share of the picture
canvas.addEventListener('keydown', (event) => {
  const step = (event.shiftKey ? KEY_PX / 4 : KEY_PX) / canvas.offsetWidth;
  const keys = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  if (keys[event.key]) {
    const move = keys[event.key];
    cursor = cursor.map((share, axis) => Math.min(1, Math.max(0, share + move[axis] * (axis ? canvas.offsetWidth / canvas.offsetHeight : 1))));
    Object.assign($('cursor').style, { left: 100 * cursor[0] + '%', top: 100 * cursor[1] + '%', width: $('brush').value + 'px', height: $('brush').value + 'px' });
    $('cursor').hidden = false;
  } else if (event.key === ' ') {
    beginStroke();
    last = null;
    brushTo([cursor[0] * canvas.width, cursor[1] * canvas.height], canvas.width / canvas.offsetWidth);
    last = null;
    sendPainted();
  } else return;
  event.preventDefault();
});
canvas.addEventListener('blur', () => { $('cursor').hidden = true; });

// ---------------------------------------------------------------- what becomes of them
async function maskPicture() {
  const { width, height } = canvas;
  const painted = pixels();
  let any = false;
  for (let i = 0; i < painted.data.length; i += 4) {
    const level = painted.data[i + 3] > 127 ? 255 : 0;
    any = any || level > 0;
    painted.data.set([level, level, level, 255], i);
  }
  if (!any) return null;
  const plain = Object.assign(document.createElement('canvas'), { width, height });
  plain.getContext('2d').putImageData(painted, 0, 0);
  return new Promise((done) => plain.toBlob(done, 'image/png'));
}
async function sendPainted() {
  const { source } = state;
  const mask = await maskPicture();
  return source === state.source && sendKeep(mask); // another photo was opened meanwhile
}
async function send(mask) { await ask('/keep', mask ? { method: 'POST', body: mask } : { method: 'DELETE' }); }
async function sendKeep(mask) {
  const { source } = state;
  try {
    await send(mask);
    if (source !== state.source) return false;
    state.mask = mask;
    rememberMask(mask);
    draw();
    settled();
    await full();
    return true;
  } catch (error) { say(error.message, 'bad'); return false; }
}
function undoStroke(sends = true) {
  const before = strokes.pop();
  $('keep-undo').disabled = !strokes.length;
  if (!before) return;
  pen.putImageData(before, 0, 0);
  if (sends) sendPainted();
}
$('keep-undo').addEventListener('click', () => undoStroke());
$('keep-invert').addEventListener('click', () => {
  if (!state.photo || state.refused) { say(t('choose.first'), 'bad'); return; }
  prepareCanvas();
  beginStroke();
  const mask = pixels();
  for (let i = 0; i < mask.data.length; i += 4) mask.data.set([...INK_RGB, mask.data[i + 3] > 127 ? 0 : 255], i);
  pen.putImageData(mask, 0, 0);
  showWhole();
  sendPainted();
});
$('keep-clear').addEventListener('click', () => {
  if (!state.mask) return;
  beginStroke();
  pen.clearRect(0, 0, canvas.width, canvas.height);
  sendKeep(null);
});
function showWhole() {
  root.querySelector('input[name=u-compare][value=single]').checked = true;
  $('whole').checked = true;
}
$('mask').addEventListener('change', async () => {
  const [file] = $('mask').files;
  $('mask').value = '';
  if (!file || !state.photo) return;
  prepareCanvas();
  beginStroke();
  if (await sendKeep(file)) { await paintMask(file); showWhole(); draw(); } else undoStroke(false);
});
async function paintMask(file) {
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  if (!file) return;
  pen.drawImage(await createImageBitmap(file), 0, 0, width, height);
  const mask = pixels();
  for (let i = 0; i < mask.data.length; i += 4) {
    const light = mask.data[i] + mask.data[i + 1] + mask.data[i + 2] >= 384;
    mask.data.set([...INK_RGB, light ? 255 : 0], i);
  }
  pen.putImageData(mask, 0, 0);
}
// Undo of the history, a server that forgot the session, a reload: the same mask again.
restoreMaskBy(async (mask) => {
  prepareCanvas();
  await paintMask(mask);
  await send(mask);
  rememberMask(mask);
  draw();
}, async () => { // a photo that is opened again has its mask again
  const mask = await maskOf(state.source.query.id);
  if (!mask) return;
  prepareCanvas();
  await paintMask(mask);
  try { await send(mask); state.mask = mask; } catch { /* it no longer fits */ }
});
listen('photo', () => {
  strokes = [];
  $('keep-undo').disabled = true;
  $('paint-toggle').setAttribute('aria-pressed', 'false');
  $('erase').setAttribute('aria-pressed', 'false');
  pen.clearRect(0, 0, canvas.width, canvas.height);
});
