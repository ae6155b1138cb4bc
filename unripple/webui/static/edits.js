// Photos are opened and edited: previews while sliders move, full quality when they rest.
import { $, ask, json, listen, restoreBy, say, state, tellOthers } from './server.js';
import { edit, isEdit, labelOf, setControls, showControls } from './controls.js';
import { address, chosen, draw, forgetPreview, ready, showPreview } from './pictures.js';
import { drawFigures } from './figures.js';
import { forgetHistory, note, showBy, undo } from './history.js';
import { cancellable } from './progress.js';
import { remember, rememberPhoto } from './memory.js';
import { said, t } from './strings.js';

const REST_MS = 250; // so long must a slider rest before the edit is made at full quality
const MOST_TIMINGS = 1000;
const OF_THE_PHOTO = [400, 404, 413]; // statuses that say something about the photo that was sent

// ---------------------------------------------------------------- what is asked
// The edit of the face that is looked at, with those of the photo's other faces.
export function wholeEdit() {
  const face = state.photo ? state.photo.face : 0;
  const others = Object.fromEntries(Object.entries(state.others).filter(([number, one]) => Number(number) !== face && isEdit(one)));
  return { ...edit(), ...(face ? { face } : {}), ...(Object.keys(others).length ? { others } : {}) };
}
export function asksNothing() { return !isEdit(edit()) && !wholeEdit().others; }

// ---------------------------------------------------------------- edits
function moved() {
  if (!state.photo || state.refused) return;
  state.wanting = performance.now();
  if (!state.previewing) preview();
  clearTimeout(state.rest);
  state.rest = setTimeout(() => { settled(); full(); }, REST_MS);
}
listen('moved', moved);

// A state that undo comes back to, and a reload too.
export function settled() {
  if (!state.photo) return;
  const asked = wholeEdit(), { mask } = state;
  const label = () => labelOf(asked) + (asked.face ? ' · ' + t('history.face', { number: asked.face + 1 }) : '') + (mask ? ' · ' + t('history.mask') : '');
  note({ edit: asked, mask, label });
  remember({ settings: state.source.settings, edit: asked, models: $('models').value, inverter: $('inverter').value });
  tellOthers('settled');
}
showBy(async ({ edit: asked, mask }) => {
  await applyEdit(asked);
  if (mask !== state.mask) { state.mask = mask; await maskBack(mask); }
  settled();
  moved();
});
let maskBack = async () => {}, maskAgain = async () => {};
export function restoreMaskBy(call, again) { maskBack = call; maskAgain = again; }

// Show what an edit says, without making it.
export async function applyEdit({ face = 0, others = {}, ...own }) {
  if (state.photo.faces.length > 1 && face !== state.photo.face) await lookAt(face);
  state.others = others;
  setControls(own);
  tellOthers('faces');
}

async function preview() {
  state.previewing = true;
  while (state.wanting) {
    const asked = state.wanting, serial = state.serial;
    state.wanting = 0;
    if (!isEdit(edit())) continue; // the full picture is there in no time
    try {
      const answer = await ask('/preview', json(edit()));
      if (answer === null) continue;
      const url = URL.createObjectURL(await answer.blob());
      const image = new Image();
      image.src = url;
      await image.decode();
      if (serial !== state.serial) { URL.revokeObjectURL(url); continue; }
      showPreview(url);
      await new Promise(requestAnimationFrame);
      state.timings.push(performance.now() - asked);
      if (state.timings.length > MOST_TIMINGS) state.timings.shift();
    } catch (error) {
      say(error.message, 'bad');
    }
  }
  state.previewing = false;
}

// Whether the server's last edit is what the controls say; it is made first if it is not.
export async function upToDate() {
  clearTimeout(state.rest);
  if (madeOf !== JSON.stringify(wholeEdit()) || !state.made.length) { settled(); await full(); }
  return madeOf === JSON.stringify(wholeEdit()) && state.made.length > 0;
}
let madeOf = '';

export async function full() {
  if (!state.photo || state.refused) return;
  const mine = ++state.full;
  const asked = JSON.stringify(wholeEdit());
  if (!asksNothing()) say(t('finishing'));
  try {
    const cancelled = () => say(t('cancelled'), '', { title: t('go.on'), call: full });
    const answer = await cancellable((signal) => ask('/full', { ...json(wholeEdit()), signal }), cancelled);
    if (answer === null || mine !== state.full) return;
    const outcome = await answer.json();
    if (JSON.stringify(wholeEdit()) !== asked) return; // the next one is on its way
    state.serial += 1;
    state.version += 1;
    state.made = outcome.pictures;
    state.outcome = outcome;
    madeOf = asked;
    forgetPreview();
    await ready(address(chosen()));
    draw();
    drawFigures(outcome);
    tellOthers('made');
    say(outcome.pictures.length ? t(outcome.kept ? 'done.kept' : 'done') : '', 'done');
  } catch (error) {
    if (mine === state.full) say(error.message, 'bad', error.status === 400 ? { title: t('undo'), call: undo } : null);
  }
}

// ---------------------------------------------------------------- faces
// Look at another face; its own edit comes back to the sliders, and the one before is kept.
export async function chooseFace(face) {
  if (!state.photo || face === state.photo.face) return;
  state.others = { ...state.others, [state.photo.face]: edit() };
  const own = state.others[face] || { moves: {} };
  try {
    if (!(await lookAt(face))) return;
    setControls(own);
    tellOthers('faces');
    settled();
    if (asksNothing()) draw(); else await full();
  } catch (error) { say(error.message, 'bad'); }
}
async function lookAt(face) {
  say(t('opening'));
  const answer = await cancellable((signal) => ask('/face?face=' + face, { method: 'POST', signal }));
  if (answer === null) return false;
  Object.assign(state, { photo: await answer.json(), made: [], outcome: null });
  state.serial += 1;
  state.version += 1;
  forgetPreview();
  drawFigures(null);
  draw();
  say('');
  return true;
}

// ---------------------------------------------------------------- photos and models
// `query` says which photo (a sample, the name of a file, or the same one), `body` is the file, and
// `settings` are those that a refusal offered.
export async function openPhoto(query, body = null, settings = {}, { face = 0 } = {}) {
  say(t('opening'));
  clearTimeout(state.rest);
  const source = query.same ? state.source : { query, body, settings };
  try {
    const answer = await cancellable((signal) => askToOpen(query, body, source.settings, query.same ? state.photo.face : face, { signal }));
    if (answer === null) return false;
    shown(await answer.json(), source, Boolean(query.same));
    if (!query.same) {
      await rememberPhoto(source);
      await maskAgain();
      draw();
      tellOthers('place');
    }
    settled();
    if (!asksNothing()) await full();
    return true;
  } catch (error) {
    if (!query.same && OF_THE_PHOTO.includes(error.status)) refused(error, source);
    else say(error.message, 'bad');
    return false;
  }
}
function askToOpen({ id, ...query }, body, settings, face, more = {}, how) {
  const asked = new URLSearchParams({ ...query, ...settings, models: $('models').value, inverter: $('inverter').value, face });
  return ask('/photo?' + asked, { method: 'POST', body, ...more }, how);
}
function shown(photo, source, same) {
  Object.assign(state, { photo, source, refused: null, made: [], outcome: null });
  state.serial += 1;
  state.version += 1;
  state.full += 1;
  forgetPreview();
  if (!same) {
    const many = photo.faces.length > 1;
    $('whole').checked = many; // so that the faces to choose from are seen
    Object.assign(state, { others: {}, mask: null });
    forgetHistory();
    if (many) say(t('faces', { count: photo.faces.length }), 'good'); else say('');
    tellOthers('photo');
  } else say('');
  tellOthers('faces');
  pressSample();
  drawFigures(null);
  draw();
}
function pressSample() {
  const { query = {} } = state.refused || state.source || {};
  tellOthers('pressed');
  for (const button of $('samples').children) button.setAttribute('aria-pressed', String(button.dataset.name === query.sample));
}

// The work of last time; false if it cannot be had any more.
export async function reopen(before) {
  const has = (name) => [...$(name).options].some((option) => option.value === before[name]);
  if (!has('models')) return false;
  $('models').value = before.models;
  showControls(await (await ask('/controls/' + encodeURIComponent(before.models))).json());
  if (!has('inverter')) return false;
  $('inverter').value = before.inverter;
  const { face = 0, others = {}, ...own } = before.edit;
  setControls(own);
  const opened = await openPhoto(before.query, before.body, before.settings, { face });
  if (opened && Object.keys(others).length) { state.others = others; tellOthers('faces'); settled(); await full(); }
  return opened || Boolean(state.refused);
}

// The server forgot this session: it gets the photo again, and what must stay unedited.
restoreBy(async () => {
  if (!state.source) return;
  const { query, body, settings } = state.source;
  await askToOpen(query, body, settings, state.photo ? state.photo.face : 0, {}, { again: false });
  state.version += 1;
  state.made = [];
  if (state.mask) await maskBack(state.mask);
  if (!asksNothing()) moved();
});

// ---------------------------------------------------------------- refusals
// A photo that is refused takes the place of the one before, so that nobody saves another person's
// picture by mistake. What would change the refusal is offered beside it.
function refused(error, source) {
  state.refused = source;
  state.full += 1;
  clearTimeout(state.rest);
  $('refused-name').textContent = t('not.taken', { name: source.query.sample || source.query.name });
  $('refused-text').textContent = error.message;
  $('refused-offers').replaceChildren(...error.offers.map(({ title, settings }) => offer(said('offer', title), () => { setControls({}); openPhoto(source.query, source.body, { ...source.settings, ...settings }); })));
  if (state.photo) $('refused-offers').append(offer(t('back.to', { name: state.photo.name }), () => { state.refused = null; draw(); say(''); pressSample(); full(); }));
  pressSample();
  drawFigures(null);
  draw();
  say('');
}
function offer(title, call) {
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'u-button', textContent: title });
  button.addEventListener('click', call);
  return button;
}

$('inverter').addEventListener('change', () => state.photo && openPhoto({ same: 1 }));
$('models').addEventListener('change', async () => {
  try {
    showControls(await (await ask('/controls/' + encodeURIComponent($('models').value))).json());
    if (state.photo) await openPhoto({ same: 1 });
  } catch (error) { say(error.message, 'bad'); }
});
