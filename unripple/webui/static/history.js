// Undo, redo, and the last states of a photo's edits.
import { $, listen, state } from './server.js';
import { t } from './strings.js';

const MOST = 20;
let states = [], at = -1, show = () => {};
export function showBy(call) { show = call; }

const same = (one, other) => JSON.stringify(one.edit) === JSON.stringify(other.edit) && one.mask === other.mask;

// Remember a state: {edit, mask, label}. What was undone is forgotten then.
export function note(one) {
  if (at >= 0 && same(states[at], one)) return;
  states = [...states.slice(0, at + 1), one].slice(-MOST);
  at = states.length - 1;
  draw();
}
export function forgetHistory() { states = []; at = -1; draw(); }
function go(where) {
  if (where < 0 || where >= states.length || where === at || !state.photo) return;
  at = where;
  draw();
  show(states[at]);
}
function draw() {
  $('undo').disabled = at <= 0;
  $('redo').disabled = at >= states.length - 1;
  $('states').replaceChildren(...states.map((one, number) => {
    const item = document.createElement('li');
    const button = Object.assign(document.createElement('button'), { type: 'button', className: 'u-link', textContent: one.label() });
    if (number === at) button.setAttribute('aria-current', 'step');
    button.addEventListener('click', () => go(number));
    item.append(button);
    return item;
  }).reverse());
}
const typing = (target) => target.matches('input:not([type=range], [type=radio], [type=checkbox], [type=file]), textarea');
export function undo() { go(at - 1); }
$('undo').addEventListener('click', undo);
$('redo').addEventListener('click', () => go(at + 1));
document.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || typing(event.target)) return;
  const key = event.key.toLowerCase();
  if (key !== 'z' && key !== 'y') return;
  event.preventDefault();
  go(key === 'y' || event.shiftKey ? at + 1 : at - 1);
});
document.addEventListener('click', (event) => { if (!event.target.closest('#u-history')) $('history').open = false; });
listen('language', draw);
export const startLabel = () => t('history.start');
export const historyStates = () => ({ states: states.length, at });
