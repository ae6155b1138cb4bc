// What must stay unedited: painted over the whole photo, or a picture of its shape.
import { $, ask, listen, painting, root, say, state, tellOthers } from './server.js';
import { full } from './edits.js';

const LARGEST_PX = 1024;
const INK = '#1f5f7a', INK_RGB = [31, 95, 122];
const pen = $('paint').getContext('2d', { willReadFrequently: true });
const draw = () => tellOthers('draw');

function prepareCanvas() {
  const shrink = Math.min(1, LARGEST_PX / Math.max(state.photo.width, state.photo.height));
  const width = Math.max(1, Math.round(state.photo.width * shrink)), height = Math.max(1, Math.round(state.photo.height * shrink));
  if ($('paint').width !== width || $('paint').height !== height) Object.assign($('paint'), { width, height });
}
$('paint-toggle').addEventListener('click', () => {
  if (!state.photo || state.refused) { say('Choose a photo first.', 'bad'); return; }
  const on = !painting();
  $('paint-toggle').setAttribute('aria-pressed', String(on));
  if (on) {
    root.querySelector('input[name=u-compare][value=single]').checked = true;
    $('whole').checked = true;
    prepareCanvas();
    say('Paint over what must stay as it is in the photo.');
  }
  draw();
});

let stroke = null; // where the brush was
function paintTo(event) {
  const box = $('paint').getBoundingClientRect();
  const scale = $('paint').width / box.width;
  const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  pen.lineCap = pen.lineJoin = 'round';
  pen.lineWidth = Number($('brush').value) * scale;
  pen.strokeStyle = INK;
  pen.beginPath();
  pen.moveTo(...(stroke || at));
  pen.lineTo(at[0] + 0.01, at[1]);
  pen.stroke();
  stroke = at;
}
$('paint').addEventListener('pointerdown', (event) => { $('paint').setPointerCapture(event.pointerId); stroke = null; paintTo(event); });
$('paint').addEventListener('pointermove', (event) => { if (event.buttons && painting()) paintTo(event); });
$('paint').addEventListener('pointerup', () => { stroke = null; sendPainted(); });

async function sendPainted() {
  const { width, height } = $('paint');
  const plain = Object.assign(document.createElement('canvas'), { width, height });
  const content = plain.getContext('2d');
  const painted = pen.getImageData(0, 0, width, height);
  for (let i = 0; i < painted.data.length; i += 4) {
    const level = painted.data[i + 3] > 127 ? 255 : 0;
    painted.data.set([level, level, level, 255], i);
  }
  content.putImageData(painted, 0, 0);
  return sendKeep(await new Promise((done) => plain.toBlob(done, 'image/png')));
}
async function sendKeep(file) {
  try {
    const { pixels } = await (await ask('/keep', { method: 'POST', body: file })).json();
    state.keep = pixels > 0;
    await full();
    return true;
  } catch (error) { say(error.message, 'bad'); return false; }
}
$('mask').addEventListener('change', async () => {
  const [file] = $('mask').files;
  if (file && state.photo && (await sendKeep(file))) {
    prepareCanvas();
    await paintMask(file);
    draw();
  }
  $('mask').value = '';
});
async function paintMask(file) {
  const { width, height } = $('paint');
  pen.clearRect(0, 0, width, height);
  pen.drawImage(await createImageBitmap(file), 0, 0, width, height);
  const mask = pen.getImageData(0, 0, width, height);
  for (let i = 0; i < mask.data.length; i += 4) {
    const light = mask.data[i] + mask.data[i + 1] + mask.data[i + 2] >= 384;
    mask.data.set([...INK_RGB, light ? 255 : 0], i);
  }
  pen.putImageData(mask, 0, 0);
}
function clearKeep() {
  state.keep = false;
  $('paint-toggle').setAttribute('aria-pressed', 'false');
  pen.clearRect(0, 0, $('paint').width, $('paint').height);
}
listen('photo', clearKeep);
listen('restored', () => { if (state.keep) sendPainted(); });
$('keep-clear').addEventListener('click', async () => {
  clearKeep();
  draw();
  try { await ask('/keep', { method: 'DELETE' }); if (state.photo) await full(); } catch (error) { say(error.message, 'bad'); }
});
