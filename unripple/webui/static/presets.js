// Named translations as presets: readable names, and thumbnails drawn on the photo that is open.
import { ask, listen, state, tellOthers } from './server.js';
import { nameTranslations } from './controls.js';
import { addPanel } from './panels.js';
import { t } from './strings.js';

// Attribute -> titles of its values, in German after the bar. What starts from a value says so.
const TITLES = {
  Sk: { 0: 'Light skin|Helle Haut', 1: 'Medium skin|Mittlere Haut', 2: 'Dark skin|Dunkle Haut' },
  A: { 0: 'Young|Jung', 1: 'Middle-aged|Mittleres Alter', 2: 'Old|Alt' },
  Se: { 0: 'Feminine|Weiblich', 1: 'Masculine|Männlich' },
  B: { 0: 'No fringe|Ohne Pony', 1: 'Fringe|Pony' },
  Hc: { 0: 'Black hair|Schwarzes Haar', 1: 'Brown hair|Braunes Haar', 2: 'Blond hair|Blondes Haar', 3: 'Grey hair|Graues Haar', 4: 'Bald|Kahl' },
  Hs: { 0: 'Straight hair|Glattes Haar', 1: 'Curly hair|Locken' },
  D: { 0: 'Slim face|Schmales Gesicht', 1: 'Full face|Volles Gesicht' },
  Be: { min: 'No bags under the eyes|Ohne Tränensäcke', max: 'Bags under the eyes|Tränensäcke' },
  N: { min: 'Wide eyes|Weite Augen', max: 'Narrow eyes|Schmale Augen' },
  Pn: { min: 'Snub nose|Stupsnase', max: 'Pointed nose|Spitze Nase' },
  Bn: { min: 'Small nose|Kleine Nase', max: 'Big nose|Große Nase' },
  Bp: { min: 'Thin lips|Schmale Lippen', max: 'Full lips|Volle Lippen' },
  Ch: { min: 'Flat cheekbones|Flache Wangen', max: 'High cheekbones|Hohe Wangen' },
  Gl: { min: 'No glasses|Ohne Brille', max: 'Glasses|Brille' },
  Bd: { min: 'Shaved|Rasiert', max: 'Beard|Bart' },
  Sm: { min: 'Serious|Ernst', max: 'Smile|Lächeln' },
};
const OWN = 'user';
let place = null, drawing = 0;
const drawn = new Map(); // name -> address of its thumbnail, of the photo that is open

function word(attribute, value) {
  const both = (TITLES[attribute] || {})[value];
  return both ? both.split('|')[t('language') === 'Sprache' ? 1 : 0] : null;
}
function taken(name) { // apart: set, attribute, value, where it starts
  const [set, base] = name.split('/');
  const [attribute, value, , old] = base.split('_');
  return { set, base, attribute, value, old };
}
export function titleOf(name) {
  const { set, base, attribute, value, old } = taken(name);
  const title = set === OWN ? null : word(attribute, value);
  if (!title) return base;
  return old === undefined ? title : t('preset.from', { title, old: (word(attribute, old) || old).toLowerCase() });
}
nameTranslations(titleOf);

function choose(name) {
  state.translation = name;
  press();
  tellOthers('moved');
}
function press() {
  if (!place) return;
  for (const button of place.querySelectorAll('button[data-name]')) button.setAttribute('aria-pressed', String(button.dataset.name === state.translation));
  const from = place.querySelector('#u-preset-from');
  const { set, attribute, value, old } = state.translation ? taken(state.translation) : {};
  const choices = state.translation ? state.translations.filter((name) => { const one = taken(name); return one.set === set && one.attribute === attribute && one.value === value; }) : [];
  place.querySelector('#u-preset-start').hidden = choices.length < 2;
  from.replaceChildren(...choices.map((name) => new Option(taken(name).old === undefined ? t('preset.any') : word(attribute, taken(name).old) || taken(name).old, name)));
  from.value = state.translation;
  if (old !== undefined) for (const button of place.querySelectorAll('button[data-name]')) { const one = taken(button.dataset.name || '/'); if (one.set === set && one.attribute === attribute && one.value === value) button.setAttribute('aria-pressed', 'true'); }
}
function tileOf(name) {
  const title = name ? titleOf(name) : t('preset.none');
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'u-preset', title });
  button.dataset.name = name;
  const image = Object.assign(document.createElement('img'), { alt: '' });
  if (drawn.has(name)) image.src = drawn.get(name);
  button.append(image, Object.assign(document.createElement('span'), { textContent: title }));
  button.addEventListener('click', () => choose(name));
  return button;
}
function show() {
  if (!place) return;
  const names = state.translations.filter((name) => taken(name).old === undefined || taken(name).set === OWN);
  place.querySelector('#u-presets').replaceChildren(...['', ...names].map(tileOf));
  press();
  thumbnails();
}
// One after another, and only while the panel is open and nobody waits for the picture.
async function thumbnails() {
  const mine = ++drawing;
  for (const button of place.querySelectorAll('button[data-name]')) {
    const { name } = button.dataset;
    while (state.previewing || state.wanting) await new Promise((later) => setTimeout(later, 200));
    if (mine !== drawing || !place.open || !state.photo || state.refused) return;
    if (drawn.has(name)) continue;
    try {
      const answer = await ask(name ? '/translated/' + name.split('/').map(encodeURIComponent).join('/') : '/pictures/photo');
      if (answer === null || mine !== drawing) return;
      if (answer.status === 204) { drawn.set(name, ''); continue; } // of other models: it has a name alone
      drawn.set(name, URL.createObjectURL(await answer.blob()));
      button.querySelector('img').src = drawn.get(name);
    } catch { return; }
  }
}
function forget() {
  for (const url of drawn.values()) if (url) URL.revokeObjectURL(url);
  drawn.clear();
  if (place) show();
}

addPanel({
  name: 'presets',
  title: 'presets',
  strings: {
    'presets': ['Presets', 'Vorlagen'],
    'preset.none': ['None', 'Keine'],
    'preset.from': ['{title} (from {old})', '{title} (von {old})'],
    'preset.start': ['The face is', 'Das Gesicht ist'],
    'preset.any': ['anything', 'beliebig'],
  },
  build(element) {
    place = element;
    state.translations = state.translations || [];
    const start = Object.assign(document.createElement('label'), { id: 'u-preset-start', className: 'u-slim', hidden: true });
    const text = Object.assign(document.createElement('span'), { textContent: t('preset.start') });
    text.dataset.t = 'preset.start';
    const from = Object.assign(document.createElement('select'), { id: 'u-preset-from' });
    from.addEventListener('change', () => choose(from.value));
    start.append(text, from);
    element.append(Object.assign(document.createElement('div'), { id: 'u-presets', className: 'u-presets' }), start);
    element.addEventListener('toggle', () => element.open && thumbnails());
  },
});
listen('translations', show);
listen('controls', press);
listen('language', show);
listen('photo', forget);
listen('faces', () => state.photo && state.photo.faces.length > 1 && forget());
