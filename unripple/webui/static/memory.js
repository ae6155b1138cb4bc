// What this browser keeps of the work, so that a reload or a server that was started again loses
// nothing: the controls in its local storage, uploaded photos, masks and pins in its database. Nothing
// is sent. A photo is known by an id: the sample's name, or what its bytes hash to.
import { state } from './server.js';

const KEY = 'unripple';
const STORE = 'photo';
const MOST_PHOTOS = 24;

function database() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open(KEY, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}
async function inStore(mode, call) {
  const open = await database();
  try {
    return await new Promise((done, failed) => {
      const asked = call(open.transaction(STORE, mode).objectStore(STORE));
      asked.onsuccess = () => done(asked.result);
      asked.onerror = () => failed(asked.error);
    });
  } finally { open.close(); }
}
// Browsers may forbid storage (private windows, a full disk): the page works without it.
async function quietly(call) { try { return await call(); } catch { return null; } }
const put = (key, value) => quietly(() => inStore('readwrite', (store) => store.put(value, key)));
const get = (key) => quietly(() => inStore('readonly', (store) => store.get(key)));
const drop = (key) => quietly(() => inStore('readwrite', (store) => store.delete(key)));
const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
const write = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* see quietly */ } };

// ---------------------------------------------------------------- the work
export function remember(controls) {
  if (!state.source) return;
  const { query } = state.source;
  const works = read(KEY + '-works') || {};
  const work = { query, ...controls };
  delete works[query.id]; // so that the newest comes last
  works[query.id] = work;
  for (const id of Object.keys(works).slice(0, -MOST_PHOTOS)) delete works[id];
  write(KEY + '-works', works);
  write(KEY, work);
}
export function rememberPhoto({ query, body }) { return body ? put('photo ' + query.id, body) : null; }
export function rememberMask(mask) { return state.source && (mask ? put('mask ' + state.source.query.id, mask) : drop('mask ' + state.source.query.id)); }
export const maskOf = (id) => get('mask ' + id);

// The work of last time, or on one photo; null if there is none any more.
export async function remembered(id = null) {
  const before = id === null ? read(KEY) : (read(KEY + '-works') || {})[id];
  if (!before || !before.query) return null;
  const body = before.query.sample ? null : await get('photo ' + before.query.id);
  return before.query.sample || body ? { ...before, body } : null;
}
export async function idOf(file) {
  const bytes = await file.slice(0, 1 << 20).arrayBuffer();
  let hash = 2166136261; // FNV-1a: subtle crypto is there on secure pages only
  for (const byte of new Uint8Array(bytes)) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return 'my-' + file.size.toString(36) + '-' + hash.toString(36);
}

// ---------------------------------------------------------------- photos of one's own, pins, the queue
export function rememberTray(list) { write(KEY + '-tray', list); }
export const tray = () => read(KEY + '-tray') || [];
export const photoOf = (id) => get('photo ' + id);
export const keepPhoto = (id, file) => put('photo ' + id, file);
export const dropPhoto = (id) => drop('photo ' + id);
export const keepPins = (pins) => put('pins', pins);
export const keptPins = async () => (await get('pins')) || [];
export const keepQueue = (ids) => write(KEY + '-queue', ids);
export const keptQueue = () => read(KEY + '-queue') || [];
