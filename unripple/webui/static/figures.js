// Figures of an edit: what was asked and what was reached beside each other, and what to be warned of.
import { $, listen, state } from './server.js';
import { inWords } from './errors.js';
import { said, t } from './strings.js';

const TURN_OFF_DEG = 6, IDENTITY_LOW = 0.5; // as the report's limits have it: a third of the usual turn is seen
let last = null;

const number = (value, digits, unit = '') => (value === null || value === undefined ? '–' : value.toFixed(digits).replace('-', '−') + unit);

export function drawFigures(outcome) {
  last = outcome;
  const { figures = {}, warnings = [], asked = {} } = outcome || {};
  const made = Boolean(outcome && Object.keys(figures).length);
  $('figures').hidden = !made;
  const turned = figures.yaw_after !== null && figures.yaw_before !== null ? figures.yaw_after - figures.yaw_before : null;
  const off = 'yaw' in asked && turned !== null && Math.abs(turned - asked.yaw) > TURN_OFF_DEG;
  $('asked-rows').replaceChildren(...(made ? Object.entries(asked) : []).map(([name, degree]) => {
    const slider = state.sliders.get(name);
    const reached = name === 'yaw' ? number(turned, 1, '°') : '–';
    return row(slider ? said('slider', slider.title) : name, number(degree, 1, name === 'yaw' ? '°' : ''), reached, name === 'yaw' && off);
  }));
  $('asked-head').hidden = !made || !Object.keys(asked).length;
  $('identity-before').textContent = '1.00';
  $('identity-after').textContent = number(figures.identity, 2);
  $('yaw-before').textContent = number(figures.yaw_before, 1, '°');
  $('yaw-after').textContent = number(figures.yaw_after, 1, '°');
  $('ghost-before').textContent = number(figures.ghost_before, 2);
  $('ghost-after').textContent = number(figures.ghost_after, 2);
  const kept = figures.background_identical;
  $('kept-after').textContent = kept === null || kept === undefined ? '–' : (100 * kept).toFixed(1) + ' %';
  $('changed-after').textContent = outcome && outcome.changed !== undefined ? (100 * outcome.changed).toFixed(1) + ' %' : '–';
  const told = warnings.map(inWords);
  if (made) {
    if (off) told.unshift(t('warn.turn', { asked: number(asked.yaw, 1), reached: number(turned, 1) }));
    if (outcome.unchanged) told.unshift(t('warn.unchanged'));
    if (outcome.foreign && !warnings.some((text) => text.startsWith('the generator draws this photo'))) told.push(t('warn.foreign'));
    if (typeof figures.identity === 'number' && figures.identity < IDENTITY_LOW) told.unshift(t('warn.identity', { value: number(figures.identity, 2) }));
  }
  const about = ((outcome && outcome.told) || []).map(inWords); // what a text did is no warning
  const listed = [...about.map((text) => [text, 'u-told']), ...told.map((text) => [text, ''])];
  $('warnings').replaceChildren(...listed.map(([textContent, className]) => Object.assign(document.createElement('li'), { textContent, className })));
}
function row(title, asked, reached, bad) {
  const one = document.createElement('tr');
  one.className = bad ? 'u-off' : '';
  one.append(Object.assign(document.createElement('th'), { scope: 'row', textContent: title }));
  for (const text of [asked, reached]) one.append(Object.assign(document.createElement('td'), { textContent: text }));
  if (bad) one.lastChild.prepend('⚠ ');
  return one;
}
listen('language', () => drawFigures(last));
