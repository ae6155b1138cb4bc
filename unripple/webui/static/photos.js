// Where photos come from: samples, files, drops and the clipboard; those of one's own stay in a tray.
import { $, listen, root, say, state, tellOthers } from './server.js';
import { edit, isEdit, labelOf, setControls } from './controls.js';
import { openPhoto, reopen } from './edits.js';
import { dropPhoto, idOf, keepPhoto, photoOf, rememberTray, remembered, tray } from './memory.js';
import { t } from './strings.js';

const MOST_SAMPLES = 12, MOST_MINE = 24, THUMB_PX = 112;
const thumbs = new Map();

function thumbButton(id, title, source) {
  const button = Object.assign(document.createElement('button'), { type: 'button', title });
  button.dataset.name = id;
  button.setAttribute('aria-pressed', 'false');
  button.append(Object.assign(document.createElement('img'), { src: source, alt: title, loading: 'lazy' }));
  button.addEventListener('click', () => openById(id));
  return button;
}
export function showSamples(names) {
  $('samples').replaceChildren(...names.slice(0, MOST_SAMPLES).map((name) => thumbButton(name, t('sample', { name }), '/studio/sample/' + encodeURIComponent(name))));
}
// A photo as it was left: with its edit, if it had any.
export async function openById(id) {
  const before = await remembered(id);
  if (before && (await reopen(before))) return true;
  const mine = tray().find((one) => one.id === id);
  if (mine) {
    const file = await photoOf(id);
    if (!file) { say(t('gone'), 'bad'); return false; }
    return openNew({ id, name: mine.name }, file);
  }
  return openNew({ id, sample: id });
}
// A photo that is new begins unedited; the edit of the one before it is offered.
async function openNew(query, body = null) {
  const before = edit();
  setControls({});
  const opened = await openPhoto(query, body);
  const again = () => { setControls(before); tellOthers('moved'); };
  if (!opened) setControls(before); // of the photo that is still there
  else if (isEdit(before)) say(labelOf(before), '', { title: t('edit.again'), call: again });
  return opened;
}
export async function addPhotos(files) {
  const pictures = [...files].filter((file) => !file.type || file.type.startsWith('image/'));
  if (!pictures.length) return;
  let first = null;
  const listed = tray();
  for (const file of pictures) {
    const id = await idOf(file);
    const name = file.name || 'pasted.png';
    first = first || { id, name, file };
    if (!(await thumbOf(id, file))) continue; // the server will say what it is
    await keepPhoto(id, file);
    if (!listed.some((one) => one.id === id)) listed.push({ id, name });
  }
  for (const one of listed.splice(0, Math.max(0, listed.length - MOST_MINE))) dropPhoto(one.id);
  rememberTray(listed);
  if (thumbs.has(first.id)) await openById(first.id); else await openNew({ id: first.id, name: first.name }, first.file);
  await showTray();
}
// A small picture of a file, which is none if the browser cannot read it.
async function thumbOf(id, file) {
  if (thumbs.has(id)) return true;
  try {
    const small = await createImageBitmap(file, { resizeWidth: THUMB_PX, resizeQuality: 'medium' });
    const canvas = Object.assign(document.createElement('canvas'), { width: small.width, height: small.height });
    canvas.getContext('2d').drawImage(small, 0, 0);
    thumbs.set(id, URL.createObjectURL(await new Promise((done) => canvas.toBlob(done, 'image/jpeg', 0.85))));
    return true;
  } catch { return false; }
}
export async function showTray() {
  const listed = tray();
  $('mine-part').hidden = !listed.length;
  const buttons = [];
  for (const { id, name } of listed) {
    if (!thumbs.has(id)) {
      const file = await photoOf(id);
      if (file) await thumbOf(id, file);
    }
    if (thumbs.has(id)) buttons.push(thumbButton(id, name, thumbs.get(id)));
  }
  $('mine').replaceChildren(...buttons);
  press();
}
function press() {
  const { query = {} } = state.refused || state.source || {};
  for (const button of $('mine').children) button.setAttribute('aria-pressed', String(button.dataset.name === query.id));
}
listen('pressed', press);

$('upload').addEventListener('change', async () => {
  const files = [...$('upload').files];
  $('upload').value = '';
  await addPhotos(files);
});
const carriesFiles = (event) => [...(event.dataTransfer ? event.dataTransfer.types : [])].includes('Files');
const ours = (event) => !event.defaultPrevented && carriesFiles(event);
document.addEventListener('dragover', (event) => { if (ours(event)) { event.preventDefault(); root.classList.add('u-dropping'); } });
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) root.classList.remove('u-dropping'); });
document.addEventListener('drop', (event) => {
  root.classList.remove('u-dropping');
  if (!ours(event)) return;
  event.preventDefault();
  addPhotos(event.dataTransfer.files);
});
document.addEventListener('paste', (event) => {
  const files = [...(event.clipboardData ? event.clipboardData.files : [])];
  if (!files.length || event.defaultPrevented) return;
  event.preventDefault();
  addPhotos(files);
});
