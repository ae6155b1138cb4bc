// What this browser keeps of the work, so that a reload or a server that was started again loses
// nothing: the controls in its local storage, an uploaded photo in its database. Nothing is sent.
import { state } from './server.js';

const KEY = 'unripple';
const STORE = 'photo';

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

export function remember(controls) {
  if (!state.source) return;
  const { query } = state.source;
  quietly(async () => localStorage.setItem(KEY, JSON.stringify({ query, ...controls })));
}
export function rememberPhoto(file) {
  return quietly(() => inStore('readwrite', (store) => (file ? store.put(file, STORE) : store.delete(STORE))));
}
export async function remembered() {
  const before = await quietly(async () => JSON.parse(localStorage.getItem(KEY)));
  if (!before || !before.query) return null;
  const body = before.query.sample ? null : await quietly(() => inStore('readonly', (store) => store.get(STORE)));
  return before.query.sample || body ? { ...before, body } : null;
}
