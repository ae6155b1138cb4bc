// Photos are opened and edited: previews while sliders move, full quality when they rest.
import { $, ask, json, listen, restoreBy, say, state, tellOthers } from './server.js';
import { edit, isEdit, setControls, showControls } from './controls.js';
import { address, chosen, draw, drawFigures, forgetPreview, ready, showPreview } from './pictures.js';
import { remember, rememberPhoto } from './memory.js';

const REST_MS = 250; // so long must a slider rest before the edit is made at full quality
const MOST_TIMINGS = 1000;
const OF_THE_PHOTO = [400, 404, 413]; // statuses that say something about the photo that was sent

// ---------------------------------------------------------------- edits
function moved() {
  if (!state.photo || state.refused) return;
  keepInMind();
  state.wanting = performance.now();
  if (!state.previewing) preview();
  clearTimeout(state.rest);
  state.rest = setTimeout(full, REST_MS);
}
listen('moved', moved);

async function preview() {
  state.previewing = true;
  while (state.wanting) {
    const asked = state.wanting, serial = state.serial;
    state.wanting = 0;
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

export async function full() {
  if (!state.photo || state.refused) return;
  const mine = ++state.full;
  const asked = JSON.stringify(edit());
  say('Finishing…');
  try {
    const answer = await ask('/full', json(edit()));
    if (answer === null || mine !== state.full) return;
    const outcome = await answer.json();
    if (JSON.stringify(edit()) !== asked) return; // the next one is on its way
    state.serial += 1;
    state.version += 1;
    state.made = outcome.pictures;
    forgetPreview();
    await ready(address(chosen()));
    draw();
    drawFigures(outcome);
    const words = outcome.kept ? 'Done. Figures are of the edit before what you keep is put back.' : 'Done.';
    say(outcome.pictures.length ? words : '', '');
  } catch (error) {
    if (mine === state.full) say(error.message, 'bad');
  }
}

// ---------------------------------------------------------------- photos and models
// `query` says which photo (a sample, the name of a file, or the same one), `body` is the file, and
// `settings` are those that a refusal offered.
export async function openPhoto(query, body = null, settings = {}) {
  say('Looking for the face…');
  clearTimeout(state.rest);
  const source = query.same ? state.source : { query, body, settings };
  try {
    const answer = await askToOpen(query, body, source.settings);
    if (answer === null) return false;
    shown(await answer.json(), source, Boolean(query.same));
    if (!query.same) await rememberPhoto(body);
    keepInMind();
    if (isEdit(edit())) await full();
    return true;
  } catch (error) {
    if (!query.same && OF_THE_PHOTO.includes(error.status)) refused(error, source);
    else say(error.message, 'bad');
    return false;
  }
}
function askToOpen(query, body, settings, how) {
  const asked = new URLSearchParams({ ...query, ...settings, models: $('models').value, inverter: $('inverter').value });
  return ask('/photo?' + asked, { method: 'POST', body }, how);
}
function shown(photo, source, same) {
  Object.assign(state, { photo, source, refused: null, made: [] });
  state.serial += 1;
  state.version += 1;
  state.full += 1;
  forgetPreview();
  if (!same) { $('whole').checked = false; tellOthers('photo'); }
  for (const button of $('samples').children) button.setAttribute('aria-pressed', String(button.dataset.name === source.query.sample));
  drawFigures({ figures: {}, warnings: [], pictures: [] });
  draw();
  say('');
}
function keepInMind() {
  if (!state.source) return;
  remember({ settings: state.source.settings, edit: edit(), models: $('models').value, inverter: $('inverter').value });
}

// The work of last time; false if it cannot be had any more.
export async function reopen(before) {
  for (const name of ['models', 'inverter']) {
    if (![...$(name).options].some((option) => option.value === before[name])) return false;
    $(name).value = before[name];
  }
  showControls(await (await ask('/controls/' + encodeURIComponent(before.models))).json());
  setControls(before.edit);
  return (await openPhoto(before.query, before.body, before.settings)) || Boolean(state.refused);
}

// The server forgot this session: it gets the photo again, and what must stay unedited.
restoreBy(async () => {
  if (!state.source) return;
  const { query, body, settings } = state.source;
  await askToOpen(query, body, settings, { again: false });
  state.version += 1;
  state.made = [];
  tellOthers('restored');
  if (isEdit(edit())) moved();
});

// ---------------------------------------------------------------- refusals
// A photo that is refused takes the place of the one before, so that nobody saves another person's
// picture by mistake. What would change the refusal is offered beside it.
function refused(error, source) {
  state.refused = source;
  state.full += 1;
  clearTimeout(state.rest);
  for (const button of $('samples').children) button.setAttribute('aria-pressed', String(button.dataset.name === source.query.sample));
  $('refused-name').textContent = (source.query.sample || source.query.name) + ' was not taken';
  $('refused-text').textContent = error.message;
  $('refused-offers').replaceChildren(...error.offers.map(({ title, settings }) => offer(title, () => openPhoto(source.query, source.body, { ...source.settings, ...settings }))));
  if (state.photo) $('refused-offers').append(offer('Back to ' + state.photo.name, () => { state.refused = null; draw(); say(''); pressed(); }));
  drawFigures({ figures: {}, warnings: [], pictures: [] });
  draw();
  say('');
}
function pressed() {
  for (const button of $('samples').children) button.setAttribute('aria-pressed', String(button.dataset.name === state.source.query.sample));
  full();
}
function offer(title, call) {
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'u-button', textContent: title });
  button.addEventListener('click', call);
  return button;
}

$('upload').addEventListener('change', async () => {
  const [file] = $('upload').files;
  if (file) await openPhoto({ name: file.name }, file);
  $('upload').value = '';
});
$('inverter').addEventListener('change', () => state.photo && openPhoto({ same: 1 }));
$('models').addEventListener('change', async () => {
  try {
    showControls(await (await ask('/controls/' + encodeURIComponent($('models').value))).json());
    if (state.photo) await openPhoto({ same: 1 });
  } catch (error) { say(error.message, 'bad'); }
});
