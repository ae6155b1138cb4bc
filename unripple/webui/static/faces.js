// Boxes over the faces of a photo that shows several: a click chooses the one that sliders edit.
import { $, listen, painting, state, tellOthers } from './server.js';
import { isEdit } from './controls.js';
import { chooseFace } from './edits.js';
import { isWhole } from './pictures.js';
import { t } from './strings.js';

function draw() {
  const { photo } = state;
  const shown = photo && photo.faces.length > 1 && isWhole() && !painting();
  $('faces').hidden = !shown;
  $('face-row').hidden = !photo || photo.faces.length < 2;
  if (!photo || photo.faces.length < 2) return;
  const percent = (part, all) => (100 * part) / all + '%';
  const buttons = (place, styled) => place.replaceChildren(...photo.faces.map(([left, top, width, height], number) => {
    const edited = number === photo.face ? false : isEdit(state.others[number] || { moves: {} });
    const name = t('face', { number: number + 1, count: photo.faces.length }) + (edited ? ', ' + t('face.edited') : '');
    const button = Object.assign(document.createElement('button'), { type: 'button', title: name, className: styled ? 'u-face' : 'u-button' });
    button.setAttribute('aria-label', name);
    button.setAttribute('aria-pressed', String(number === photo.face));
    button.textContent = number + 1 + (edited ? ' ✓' : '');
    if (styled) Object.assign(button.style, { left: percent(left, photo.width), top: percent(top, photo.height), width: percent(width, photo.width), height: percent(height, photo.height) });
    button.addEventListener('click', () => chooseFace(number));
    return button;
  }));
  if (shown) buttons($('faces'), true);
  buttons($('face-buttons'), false);
}
for (const word of ['faces', 'photo', 'language']) listen(word, draw);
listen('drawn', () => { $('faces').hidden = !(state.photo && state.photo.faces.length > 1 && isWhole() && !painting()); if (!$('faces').hidden && !$('faces').children.length) draw(); });
$('whole').addEventListener('change', draw);

// The swipe's line goes through the face that is looked at, so that both its sides are seen.
let lined = null;
function line() {
  const { photo } = state;
  if (!photo) return;
  const [left, , width] = photo.faces[photo.face];
  $('swipe').value = isWhole() ? (100 * (left + width / 2)) / photo.width : 50;
  tellOthers('draw');
}
listen('faces', () => {
  if (state.photo === lined) return;
  lined = state.photo;
  line();
});
$('whole').addEventListener('change', line);
