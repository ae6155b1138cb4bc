// What all modules share: the page's state, its toast, and how the server is asked.
import { inWords } from './errors.js';
import { said, t } from './strings.js';

export const root = document.getElementById('unripple');
export const $ = (id) => root.querySelector('#u-' + id);

export const state = {
  session: '', photo: null, source: null, refused: null, made: [], version: 0, sliders: new Map(),
  translation: '', translations: [], others: {}, mask: null, outcome: null,
  previewing: false, wanting: false, rest: 0, serial: 0, preview: '', timings: [], full: 0,
};

const GOOD_MS = 6000; // so long does good news stay
let fading = 0;

// A toast over the picture, which is always in sight. `action` is a button in it: its title, and what it does.
export function say(text, kind = '', action = null) {
  clearTimeout(fading);
  $('status').textContent = text;
  $('toast').className = 'u-toast' + (kind ? ' u-' + kind : '');
  $('toast').hidden = !text;
  $('toast-action').hidden = !action;
  $('toast-action').textContent = action ? action.title : '';
  $('toast-action').onclick = action ? () => { say(''); action.call(); } : null;
  if (kind === 'good' || kind === 'done') fading = setTimeout(() => say(''), GOOD_MS);
}

export function tellOthers(what) { root.dispatchEvent(new Event('u-' + what)); }
export function listen(what, call) { root.addEventListener('u-' + what, call); }
export function painting() { return $('paint-toggle').getAttribute('aria-pressed') === 'true'; }

export const base = () => '/studio/' + state.session;
export const json = (content) => ({ method: 'POST', body: JSON.stringify(content), headers: { 'content-type': 'application/json' } });

// What the server said instead of an answer: `offers` are settings that would change it, `ended` is
// whether it forgot this session.
export class Refusal extends Error {
  constructor(text, status, { offers = [], ended = false } = {}) { super(inWords(text)); Object.assign(this, { status, offers, ended }); }
}

async function reach(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') return null;
    throw new Refusal(t('no.server'), 0);
  }
}

async function refusalOf(answer) {
  const { status } = answer;
  try {
    const told = JSON.parse(await answer.text());
    return new Refusal(told.error || ofStatus(status), status, told);
  } catch { return new Refusal(ofStatus(status), status); } // a proxy's page, or a fault of ours
}
function ofStatus(status) {
  const known = said('status', String(status));
  return known === String(status) ? t(status < 500 ? 'status.other' : 'status.mistake', { status }) : known;
}

export async function begin() {
  const answer = await reach('/studio/begin', { method: 'POST' });
  if (!answer.ok) throw await refusalOf(answer);
  const begun = await answer.json();
  state.session = begun.session;
  return begun;
}

let restored = null; // a restoration under way, which all that ask meanwhile wait for
let restoration = async () => {};
export function restoreBy(call) { restoration = call; }

async function restore(ended) {
  if (ended !== state.session) return; // somebody was faster
  restored ||= (async () => { await begin(); await restoration().catch(() => {}); })().finally(() => { restored = null; });
  await restored;
}

// Ask under this session. null: a newer request took this one's place, or it was aborted. A session
// that the server forgot (it was started again, or nothing was done for an hour) is begun anew, with
// its photo.
export async function ask(path, options = {}, { again = true } = {}) {
  const session = state.session;
  const answer = await reach(base() + path, options);
  if (answer === null || answer.status === 205) return null;
  if (answer.ok) return answer;
  const refusal = await refusalOf(answer);
  if (!refusal.ended || !again) throw refusal;
  await restore(session);
  return ask(path, options, { again: false });
}
