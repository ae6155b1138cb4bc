// Other programs' edits: drop a photo and what became of it; the repaired picture and its figures come.
import { ask, base, json, listen, say, state } from './server.js';
import { addPanel } from './panels.js';
import { download } from './save.js';
import { inWords } from './errors.js';
import { t } from './strings.js';

const SLOTS = ['photo', 'edited'];
const KEEPS = { person: 'person', auto: 'auto', hair: ['hair'], face: ['skin', 'brows', 'eyes', 'mouth', 'glasses'], cloth: ['cloth'] };
const VIEWS = ['photo', 'edited', 'edited_difference', 'result', 'result_difference'];
// Figure, digits, factor, unit.
const FIGURES = [
  ['drift_zoom', 2, 1, ' %'], ['drift_shift', 1, 1, ' px'], ['drift_turn', 2, 1, '°'], ['drift_flow', 2, 1, ' px'],
  ['drift_colour', 2, 1, ''], ['bytes_kept', 1, 100, ' %'], ['lpips_outside', 3, 1, ''],
  ['ghost_transmission', 2, 1, ''], ['seam', 2, 1, ''], ['identity_cosine', 2, 1, ''], ['sharpness', 2, 1, ''],
];
const strings = {
  'external.title': ["Another program's edit", 'Bearbeitung eines anderen Programms'],
  'external.about': ['Drop two pictures here: your photo, and what another program made of it.', 'Zwei Bilder hierher ziehen: das Foto und was ein anderes Programm daraus gemacht hat.'],
  'external.photo': ['Photo', 'Foto'],
  'external.edited': ['Edited picture', 'Bearbeitetes Bild'],
  'external.open': ['the open photo', 'das geöffnete Foto'],
  'external.none': ['none yet', 'noch keines'],
  'external.swap': ['Swap', 'Tauschen'],
  'external.keep': ['What may stay', 'Was bleiben darf'],
  'external.keep.person': ['changes of the person', 'Änderungen der Person'],
  'external.keep.auto': ['all that clearly changed', 'alles deutlich Geänderte'],
  'external.keep.hair': ['hair alone', 'nur Haare'],
  'external.keep.face': ['face alone', 'nur das Gesicht'],
  'external.keep.cloth': ['clothes alone', 'nur Kleidung'],
  'external.repair': ['Repair', 'Reparieren'],
  'external.working': ['Repairing …', 'Wird repariert …'],
  'external.done': ['Repaired.', 'Repariert.'],
  'external.two': ['One photo and one edited picture are wanted.', 'Gesucht sind ein Foto und ein bearbeitetes Bild.'],
  'external.save': ['Save repaired picture', 'Repariertes Bild sichern'],
  'external.figure': ['Figure', 'Wert'],
  'external.came': ['As it came', 'Wie es kam'],
  'external.now': ['Repaired', 'Repariert'],
  'external.view.photo': ['Photo', 'Foto'],
  'external.view.edited': ['As it came', 'Wie es kam'],
  'external.view.edited_difference': ['Difference ×10', 'Unterschied ×10'],
  'external.view.result': ['Repaired', 'Repariert'],
  'external.view.result_difference': ['Difference ×10', 'Unterschied ×10'],
  'external.of.drift_zoom': ['Zoom of the whole picture', 'Zoom des ganzen Bildes'],
  'external.of.drift_shift': ['Shift', 'Verschiebung'],
  'external.of.drift_turn': ['Rotation', 'Drehung'],
  'external.of.drift_flow': ['Bend', 'Verbiegung'],
  'external.of.drift_colour': ['Colours elsewhere (ΔE)', 'Farben anderswo (ΔE)'],
  'external.of.bytes_kept': ["Pixels that are the photo's", 'Pixel des Fotos'],
  'external.of.lpips_outside': ['Seen outside the edit (LPIPS)', 'Außerhalb zu sehen (LPIPS)'],
  'external.of.ghost_transmission': ['Old outline left', 'Alter Umriss'],
  'external.of.seam': ['Seam', 'Naht'],
  'external.of.identity_cosine': ['Likeness to the photo', 'Ähnlichkeit zum Foto'],
  'external.of.sharpness': ['Details of the person', 'Details der Person'],
};

let files = {}; // slot -> File, as this page has them
let last = null, busy = false, place = null;
const at = (name) => place.querySelector('#u-external-' + name);
const element = (tag, more = {}, ...inside) => { const one = Object.assign(document.createElement(tag), more); one.append(...inside); return one; };
const word = (key) => { const one = element('span', { textContent: t(key) }); one.dataset.t = key; return one; };

function showNames() {
  for (const slot of SLOTS) at('name-' + slot).textContent = files[slot] ? files[slot].name : t(slot === 'photo' && state.photo ? 'external.open' : 'external.none');
  at('swap').hidden = !(files.photo && files.edited);
  at('repair').disabled = busy || !files.edited || !(files.photo || state.photo);
}
// Two at once are photo and edit, in their order; a single one is what is still lacking.
function take(dropped) {
  const pictures = [...dropped].filter((file) => file.type.startsWith('image/'));
  if (!pictures.length || pictures.length > 2) { say(t('external.two'), 'bad'); return; }
  if (pictures.length === 2) files = { photo: pictures[0], edited: pictures[1] };
  else files.edited = pictures[0];
  showNames();
}
async function repair() {
  busy = true;
  showNames();
  say(t('external.working'));
  try {
    for (const slot of SLOTS) if (files[slot]) await ask(`/external/${slot}?name=${encodeURIComponent(files[slot].name)}`, { method: 'POST', body: files[slot] });
    const answer = await ask('/external/repair', json({ keep: KEEPS[at('keep').value] }));
    if (!answer) return; // a newer request took its place
    last = { ...(await answer.json()), serial: Date.now() };
    draw();
    say(t('external.done'), 'good');
  } catch (error) {
    say(error.message, 'bad');
  } finally {
    busy = false;
    showNames();
  }
}
const shown = (value, [, digits, factor, unit]) => (value === null || value === undefined ? '–' : (value * factor).toFixed(digits).replace('-', '−') + unit);
function draw() {
  at('made').hidden = !last;
  if (!last) return;
  at('pictures').replaceChildren(...VIEWS.map((view) => element('figure', {},
    element('img', { src: `${base()}/external/pictures/${view}?v=${last.serial}`, alt: t('external.view.' + view) }),
    element('figcaption', { textContent: t('external.view.' + view) }))));
  at('figures').replaceChildren(...FIGURES.filter(([name]) => name in last.figures || name + '_of_edit' in last.figures).map((how) => element('tr', {},
    element('th', { scope: 'row', textContent: t('external.of.' + how[0]) }),
    element('td', { textContent: shown(last.figures[how[0] + '_of_edit'], how) }),
    element('td', { textContent: shown(last.figures[how[0]], how) }))));
  at('warnings').replaceChildren(...last.warnings.map((text) => element('li', { textContent: inWords(text) })));
}
async function save() {
  try { await download('/external/result.png'); } catch (error) { say(error.message, 'bad'); }
}
function chooser(slot) {
  const input = element('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp', id: 'u-external-' + slot });
  input.addEventListener('change', () => { if (input.files.length) { files[slot] = input.files[0]; input.value = ''; showNames(); } });
  return element('div', { className: 'u-row' }, element('label', { className: 'u-button u-file' }, word('external.' + slot), input), element('span', { className: 'u-quiet', id: 'u-external-name-' + slot }));
}
function build(panel) {
  place = panel;
  const zone = element('div', { className: 'u-external-zone', id: 'u-external-zone' }, element('p', { className: 'u-quiet' }, word('external.about')), ...SLOTS.map(chooser));
  zone.addEventListener('dragover', (event) => { event.preventDefault(); zone.classList.add('u-over'); });
  zone.addEventListener('dragleave', () => zone.classList.remove('u-over'));
  zone.addEventListener('drop', (event) => { event.preventDefault(); zone.classList.remove('u-over'); take(event.dataTransfer.files); });
  const button = (name, key, call, className = 'u-button') => { const one = element('button', { type: 'button', id: 'u-external-' + name, className }, word(key)); one.addEventListener('click', call); return one; };
  const keep = element('select', { id: 'u-external-keep' });
  for (const name of Object.keys(KEEPS)) { const option = new Option(t('external.keep.' + name), name); option.dataset.t = 'external.keep.' + name; keep.append(option); }
  const heads = ['figure', 'came', 'now'].map((name) => element('th', { scope: 'col' }, word('external.' + name)));
  panel.append(zone,
    element('label', { className: 'u-slim' }, word('external.keep'), keep),
    element('div', { className: 'u-row' }, button('repair', 'external.repair', repair, 'u-button u-main'), button('swap', 'external.swap', () => { files = { photo: files.edited, edited: files.photo }; showNames(); }, 'u-link')),
    element('div', { id: 'u-external-made', hidden: true },
      element('div', { className: 'u-external-pictures', id: 'u-external-pictures' }),
      element('table', { className: 'u-figures' }, element('thead', {}, element('tr', {}, ...heads)), element('tbody', { id: 'u-external-figures' })),
      element('ul', { className: 'u-warnings', id: 'u-external-warnings' }),
      button('save', 'external.save', save)));
  showNames();
}

addPanel({ name: 'external', title: 'external.title', strings, build });
listen('photo', showNames);
listen('language', () => { showNames(); draw(); });
