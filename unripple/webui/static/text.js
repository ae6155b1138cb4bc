// Edits in words: a target and a neutral text, how it is followed and how far. What is accepted stays
// as the start of the next text; the server gets all of them as one chain.
import { listen, say, state, tellOthers } from './server.js';
import { addPanel } from './panels.js';
import { t } from './strings.js';

let place = null, accepted = [], current = null, begins = 3;
const inside = (id) => place.querySelector('#u-text-' + id);
const told = () => state.texts || { methods: {}, words: [], mappers: [], neutral: '' };

function make(tag, properties = {}, ...children) {
  const { t: key, ...others } = properties;
  const one = Object.assign(document.createElement(tag), others);
  if (key) { one.dataset.t = key; one.textContent = t(key); }
  one.append(...children);
  return one;
}
function field(key, control, className = 'u-slim') {
  return make('label', { className }, make('span', { t: key }), control);
}
function slider(id, key) {
  const input = make('input', { type: 'range', id: 'u-text-' + id });
  const output = make('output', { htmlFor: input.id });
  const row = make('div', { className: 'u-slider', id: 'u-text-row-' + id });
  row.append(make('label', { htmlFor: input.id, t: key }), output, input);
  input.addEventListener('input', () => { drawNumbers(); changed(); });
  return row;
}
function range(id, [low, high, step, value]) {
  const input = inside(id);
  Object.assign(input, { min: low, max: high, step });
  input.style.setProperty('--zero', (100 * Math.max(0, -low)) / (high - low) + '%');
  if (value !== undefined) input.value = value;
}
function drawNumbers() {
  for (const [id, digits] of [['strength', 1], ['disentangle', 3], ['channels', 0]]) {
    place.querySelector('output[for=u-text-' + id + ']').textContent = Number(inside(id).value).toFixed(digits).replace('-', '−');
  }
}
// What the fields say now; null where no text is there.
function asked() {
  const text = inside('target').value.trim();
  if (!text) return null;
  const method = inside('method').value, one = { text, method, strength: Number(inside('strength').value) };
  const neutral = inside('neutral').value.trim();
  if (neutral) one.neutral = neutral;
  if (method === 'global') {
    if (inside('count').checked) one.channels = Number(inside('channels').value);
    else one.disentangle = Number(inside('disentangle').value);
  }
  if (method === 'mapper' && inside('mapper').value) one.mapper = inside('mapper').value;
  return one;
}
function changed() {
  if (!current) return; // nothing is followed yet
  current = asked();
  tellOthers('moved');
}
function apply() {
  current = asked();
  if (!current) { say(t('text.empty'), 'bad'); return; }
  if (current.method === 'optimise') say(t('text.slow'));
  tellOthers('moved');
  show();
}
function accept() {
  if (!current) { say(t('text.first'), 'bad'); return; }
  accepted = [...accepted, current];
  current = null;
  inside('target').value = '';
  show();
  say(t('text.accepted'), 'good');
  tellOthers('moved');
}
function reset() {
  accepted = [];
  current = null;
  inside('target').value = inside('neutral').value = '';
  inside('strength').value = begins;
  show();
  tellOthers('moved');
}
// Whatever depends on method, texts and models.
function show() {
  if (!place) return;
  const method = inside('method').value;
  for (const [id, shown] of [['row-disentangle', method === 'global' && !inside('count').checked], ['row-channels', method === 'global' && inside('count').checked], ['row-count', method === 'global'], ['row-mapper', method === 'mapper']]) inside(id).hidden = !shown;
  inside('accepted').replaceChildren(...accepted.map((one) => make('li', { textContent: one.text + ' · ' + String(one.strength).replace('-', '−') })));
  const names = inside('mapper').value;
  const mapper = told().mappers.find((one) => one.name === names) || told().mappers[0];
  const offers = method === 'mapper' && mapper ? Object.values(mapper.texts) : [];
  inside('offers').replaceChildren(...offers.map((text) => new Option(text, text)));
  unknown();
  drawNumbers();
}
const words = (text) => text.toLowerCase().match(/[\p{L}]+(?:-[\p{L}]+)*/gu) || [];
function unknown() {
  const known = new Set(told().words);
  const others = known.size ? [...new Set(words(inside('target').value + ' ' + inside('neutral').value))].filter((word) => !known.has(word)) : [];
  inside('unknown').textContent = others.length ? t('text.unknown', { words: others.join(', ') }) : '';
}
function offer() {
  if (!place) return;
  const { methods, method, mappers, neutral, strength, disentangle, channels } = told();
  place.hidden = !Object.keys(methods).length;
  if (place.hidden) return;
  const select = inside('method'), before = select.value;
  select.replaceChildren(...Object.keys(methods).map((name) => new Option(t('text.method.' + name), name)));
  select.value = before in methods ? before : method;
  inside('mapper').replaceChildren(...mappers.map((one) => new Option(one.name, one.name.startsWith('(') ? '' : one.name)));
  inside('neutral').placeholder = neutral;
  begins = methods[select.value];
  if (!inside('strength').max || inside('strength').dataset.set !== 'true') {
    range('strength', [...strength, begins]);
    range('disentangle', disentangle);
    range('channels', channels);
    inside('strength').dataset.set = 'true';
  }
  show();
}

addPanel({
  name: 'text',
  title: 'text.title',
  strings: {
    'text.title': ['Say it in words', 'In Worten sagen'],
    'text.target': ['It shall show', 'Es soll zeigen'],
    'text.neutral': ['Seen from', 'Gesehen von'],
    'text.method': ['Method', 'Verfahren'],
    'text.method.direction': ['Direction', 'Richtung'],
    'text.method.global': ['Channels', 'Kanäle'],
    'text.method.optimise': ['Step by step (minutes)', 'Schritt für Schritt (Minuten)'],
    'text.method.mapper': ['Trained for texts', 'Für Texte gelernt'],
    'text.strength': ['Strength', 'Stärke'],
    'text.disentangle': ['Disentanglement', 'Entflechtung'],
    'text.channels': ['Number of channels', 'Zahl der Kanäle'],
    'text.count': ['By number of channels', 'Nach Zahl der Kanäle'],
    'text.mapper': ['Mapper', 'Netz'],
    'text.show': ['Show', 'Zeigen'],
    'text.accept': ['Accept', 'Übernehmen'],
    'text.reset': ['Reset', 'Zurücksetzen'],
    'text.accepted.list': ['Accepted texts', 'Übernommene Texte'],
    'text.accepted': ['Accepted: the next text goes on from here.', 'Übernommen: Der nächste Text geht von hier weiter.'],
    'text.empty': ['Say what the picture shall show, like “a face with glasses”.', 'Was soll das Bild zeigen? Etwa: „a face with glasses“.'],
    'text.first': ['Show a text first.', 'Erst einen Text zeigen.'],
    'text.slow': ['This takes minutes.', 'Das dauert Minuten.'],
    'text.unknown': ['Not known to these models: {words}', 'Diese Modelle kennen nicht: {words}'],
  },
  build(element) {
    place = element;
    const target = make('input', { id: 'u-text-target', type: 'text', autocomplete: 'off', placeholder: 'a face with glasses', maxLength: 300 });
    target.setAttribute('list', 'u-text-offers');
    const neutral = make('input', { id: 'u-text-neutral', type: 'text', autocomplete: 'off', maxLength: 300 });
    const method = make('select', { id: 'u-text-method' }), mapper = make('select', { id: 'u-text-mapper' });
    const count = make('input', { id: 'u-text-count', type: 'checkbox' });
    const mapped = field('text.mapper', mapper), counted = field('text.count', count, 'u-check');
    mapped.id = 'u-text-row-mapper';
    counted.id = 'u-text-row-count';
    const buttons = ['show', 'accept', 'reset'].map((name) => make('button', { type: 'button', id: 'u-text-' + name, className: name === 'reset' ? 'u-link' : 'u-button', t: 'text.' + name }));
    const form = make('form', { className: 'u-text' }, field('text.target', target), field('text.neutral', neutral),
      make('p', { className: 'u-quiet', id: 'u-text-unknown', role: 'status' }), field('text.method', method), mapped,
      slider('strength', 'text.strength'), counted, slider('disentangle', 'text.disentangle'), slider('channels', 'text.channels'),
      make('div', { className: 'u-row u-left' }, ...buttons), make('ol', { id: 'u-text-accepted' }), make('datalist', { id: 'u-text-offers' }));
    form.querySelector('#u-text-accepted').setAttribute('aria-label', t('text.accepted.list'));
    form.addEventListener('submit', (event) => { event.preventDefault(); apply(); });
    element.append(form);
    for (const [button, call] of [[buttons[0], apply], [buttons[1], accept], [buttons[2], reset]]) button.addEventListener('click', call);
    for (const one of [target, neutral]) one.addEventListener('input', unknown);
    neutral.addEventListener('change', changed);
    mapper.addEventListener('change', () => { show(); changed(); });
    count.addEventListener('change', () => { show(); changed(); });
    method.addEventListener('change', () => {
      begins = told().methods[method.value];
      inside('strength').value = begins;
      show();
      if (method.value === 'optimise') current = null; // wait until it is asked for
      else changed();
    });
  },
  edit() {
    const texts = current ? [...accepted, current] : accepted;
    return texts.length ? { texts, text: texts.map((one) => one.text).join(' → ') } : {};
  },
  set({ texts = [] }) {
    accepted = texts.slice(0, -1);
    current = texts.length ? texts[texts.length - 1] : null;
    if (current) {
      inside('target').value = current.text;
      inside('neutral').value = current.neutral || '';
      if (current.method in told().methods) inside('method').value = current.method;
      inside('count').checked = 'channels' in current;
      for (const name of ['strength', 'disentangle', 'channels']) if (name in current) inside(name).value = current[name];
    } else inside('target').value = inside('neutral').value = '';
    show();
  },
});
listen('texts', offer);
listen('language', offer);
