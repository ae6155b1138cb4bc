// The queue: pairs of photo and edit, made one after another as `snakemake` makes them, results here.
import { $, ask, base, json, listen, say, state } from './server.js';
import { labelOf } from './controls.js';
import { asksNothing, upToDate, wholeEdit } from './edits.js';
import { keepQueue, keptQueue } from './memory.js';
import { inWords } from './errors.js';
import { addPanel } from './panels.js';
import { download } from './save.js';
import { t } from './strings.js';

const POLL_MS = 500;
let queue = keptQueue(); // [{id, label}], as this browser knows them
let told = new Map(); // id -> what the server says of it
let place = null, polling = false;
const ids = () => queue.map((one) => one.id);
const stateOf = (id) => (told.get(id) || {}).state;
const isBusy = (id) => stateOf(id) === 'running' || (told.get(id) || {}).queued;

// An edit's name in the batch, made of what it does.
function nameOf({ moves = {}, translation = '' }) {
  const words = Object.entries(moves).map(([name, degree]) => name + '_' + String(Math.abs(degree)).replace('.', '-') + (degree < 0 ? '_less' : ''));
  if (translation) words.push(translation.split('/').pop());
  return words.join('_').replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 60);
}
async function add() {
  if (!state.photo || state.refused) { say(t('choose.first'), 'bad'); return; }
  const asked = wholeEdit();
  if (asksNothing()) { say(t('edit.first'), 'bad'); return; }
  const given = $('batch-name').value.trim();
  try {
    if (!(await upToDate())) return; // cancelled, or moved again
    const added = await (await ask('/batch', json({ name: given, suggested: nameOf(asked) }))).json();
    queue.push({ id: added.pair.id, label: labelOf(asked) + (state.mask ? ' · ' + t('history.mask') : ''), command: added.command });
    keepQueue(queue);
    $('batch-name').value = '';
    say(t('queue.added', { photo: state.photo.name, edit: added.edit }), 'good');
    await look();
  } catch (error) { say(error.message, 'bad'); }
}
async function tell(what, some) {
  try {
    const answer = await ask('/pairs' + what, json({ ids: some }));
    if (answer && answer.status !== 204) note(await answer.json());
  } catch (error) { say(error.message, 'bad'); }
}
function note({ pairs }) {
  told = new Map([...told, ...pairs.map((pair) => [pair.id, pair])]);
  show();
}
async function look() {
  if (!queue.length) { show(); return; }
  await tell('', ids());
  const known = queue.filter((one) => told.has(one.id));
  if (known.length < queue.length) { queue = known; keepQueue(queue); show(); } // the batch was deleted
  poll();
}
async function poll() {
  if (polling) return;
  polling = true;
  try {
    while (ids().some(isBusy)) {
      await new Promise((later) => setTimeout(later, POLL_MS));
      await tell('', ids());
    }
  } finally { polling = false; }
}
async function run() { await tell('/run', ids()); poll(); }
async function stop() { await tell('/cancel', ids()); }
async function remove(id) {
  await tell('/remove', [id]);
  queue = queue.filter((one) => one.id !== id);
  told.delete(id);
  keepQueue(queue);
  show();
}

// ---------------------------------------------------------------- what is shown
function button(text, call, className = 'u-link') {
  const one = Object.assign(document.createElement('button'), { type: 'button', className, textContent: text });
  one.addEventListener('click', call);
  return one;
}
function words(pair) {
  if (!pair) return '';
  if (pair.state === 'running') return t('stage.' + pair.stage) + ' · ' + pair.seconds.toFixed(0) + ' s';
  if (pair.state === 'failed') return t('queue.failed') + ': ' + inWords(pair.why);
  if (pair.queued) return t('queue.next');
  return t('queue.' + pair.state);
}
const path = (id, which) => base() + '/pairs/' + id + '/' + which;
function itemOf({ id, label }) {
  const pair = told.get(id);
  const item = document.createElement('li');
  item.dataset.state = pair ? pair.state : '';
  const done = pair && pair.state === 'done';
  if (done) {
    const look = button('', () => view(id, label), 'u-thumb');
    const title = t('queue.look', { photo: pair.name, label });
    look.title = title;
    look.setAttribute('aria-label', title);
    look.append(Object.assign(document.createElement('img'), { src: path(id, 'after'), alt: '' }));
    item.append(look);
  } else item.append(Object.assign(document.createElement('span'), { className: 'u-thumb u-blank', textContent: { running: '…', failed: '!' }[pair && pair.state] || '·' }));
  const text = document.createElement('div');
  text.append(Object.assign(document.createElement('b'), { textContent: pair ? pair.name : '' }), Object.assign(document.createElement('span'), { textContent: label }), Object.assign(document.createElement('span'), { className: 'u-quiet', textContent: words(pair) }));
  const away = button('×', () => remove(id), 'u-away');
  const title = t('queue.remove', { photo: pair ? pair.name : '', label });
  away.title = title;
  away.setAttribute('aria-label', title);
  item.append(text, away);
  return item;
}
function show() {
  if (!place) return;
  const busy = ids().some(isBusy), left = ids().filter((id) => stateOf(id) !== 'done');
  const list = place.querySelector('#u-pairs');
  const hadFocus = list.contains(document.activeElement) ? [...list.querySelectorAll('button')].indexOf(document.activeElement) : -1;
  list.replaceChildren(...queue.map(itemOf));
  if (hadFocus >= 0) (list.querySelectorAll('button')[hadFocus] || $('queue-add')).focus();
  $('queue-run').hidden = busy;
  $('queue-run').disabled = !left.length;
  $('queue-run').textContent = t(left.length < queue.length && left.length ? 'queue.resume' : 'queue.run');
  $('queue-stop').hidden = !busy;
  const made = queue.length - left.length;
  $('queue-bar').hidden = !queue.length;
  $('queue-bar').max = queue.length || 1;
  $('queue-bar').value = made;
  $('queue-count').textContent = queue.length ? t('queue.count', { made, all: queue.length }) : t('queue.empty');
  $('queue-by').hidden = !queue.length;
  $('queue-command').textContent = queue.length ? queue[queue.length - 1].command || '' : '';
}
let viewed = null;
function view(id, label) {
  viewed = id;
  const pair = told.get(id);
  $('look-title').textContent = pair.name + ' · ' + label;
  $('look-before').src = path(id, 'before');
  $('look-after').src = path(id, 'after');
  $('look-after').alt = t('view.result');
  $('look-before').alt = t('the.photo');
  cut();
  $('look').showModal();
}
function cut() { $('look').style.setProperty('--cut', $('look-swipe').value + '%'); }
$('look-swipe').addEventListener('input', cut);
$('look-close').addEventListener('click', () => $('look').close());
$('look-save').addEventListener('click', async () => {
  try { const name = await download('/pairs/' + viewed + '/result'); say(t('saved', { name }), 'good'); } catch (error) { say(error.message, 'bad'); }
});

addPanel({
  name: 'queue',
  title: 'queue',
  strings: {
    'queue': ['Queue', 'Warteschlange'],
    'queue.about': ['Pairs of a photo and an edit, made one after another as snakemake makes them. Open a photo, edit it, add it; then the next one.', 'Paare aus Foto und Bearbeitung, nacheinander gemacht, wie snakemake sie macht. Foto öffnen, bearbeiten, hinzufügen; dann das nächste.'],
    'queue.name': ['Name of the edit (may stay empty)', 'Name der Bearbeitung (darf leer bleiben)'],
    'queue.add': ['Add to the queue', 'In die Warteschlange'],
    'queue.added': ['Queued: {photo}, {edit}.', 'Eingereiht: {photo}, {edit}.'],
    'queue.run': ['Run', 'Starten'],
    'queue.resume': ['Resume', 'Fortsetzen'],
    'queue.stop': ['Cancel', 'Abbrechen'],
    'queue.count': ['{made} of {all} made', '{made} von {all} gemacht'],
    'queue.empty': ['No pairs yet.', 'Noch keine Paare.'],
    'queue.waiting': ['waiting', 'wartet'],
    'queue.next': ['in line', 'in der Reihe'],
    'queue.done': ['made', 'gemacht'],
    'queue.failed': ['failed', 'gescheitert'],
    'queue.look': ['Look at {photo}, {label}', '{photo}, {label} ansehen'],
    'queue.remove': ['Remove {photo}, {label}', '{photo}, {label} entfernen'],
    'queue.save': ['Save image', 'Bild sichern'],
    'queue.by': ['The same by the workflow:', 'Dasselbe mit dem Workflow:'],
  },
  build(element) {
    place = element;
    element.append($('queue-content').content.cloneNode(true));
    $('queue-form').addEventListener('submit', (event) => { event.preventDefault(); add(); });
    $('queue-run').addEventListener('click', run);
    $('queue-stop').addEventListener('click', stop);
    show();
  },
});
listen('language', show);
export { look as lookAtQueue };
