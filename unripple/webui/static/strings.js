// What the page says, in English and German: one table, a line per text. Elements name their text by
// data-t (and data-t-title, data-t-label, data-t-placeholder for those attributes); modules call
// t('key', {name: value}), which puts the value where the text has {name}.
import { TEXTS } from './texts.js';

const LANGUAGES = ['en', 'de'];
const KEY = 'unripple-language';

function kept() { try { return localStorage.getItem(KEY); } catch { return null; } }
function first() {
  const wanted = [kept(), ...(navigator.languages || [navigator.language])];
  const found = wanted.map((one) => String(one).slice(0, 2)).find((one) => LANGUAGES.includes(one));
  return found || LANGUAGES[0];
}
let language = first();

export function addStrings(more) { Object.assign(TEXTS, more); }
export function speaks() { return language; }
export function t(key, values = {}) {
  const [english, german] = TEXTS[key] || [key, key];
  const text = language === 'de' ? german : english;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
// Texts that the server gives, like names of sliders: English stays where the table has no other.
export function said(kind, text) { return TEXTS[kind + '.' + text] ? t(kind + '.' + text) : text; }

export function translate(root = document) {
  document.documentElement.lang = language;
  for (const one of root.querySelectorAll('[data-t]')) one.textContent = t(one.dataset.t);
  for (const [attribute, name] of [['title', 'tTitle'], ['aria-label', 'tLabel'], ['placeholder', 'tPlaceholder']]) {
    for (const one of root.querySelectorAll('[data-' + name.replace(/[A-Z]/, (letter) => '-' + letter.toLowerCase()) + ']')) one.setAttribute(attribute, t(one.dataset[name]));
  }
}
export function speak(chosen) {
  language = LANGUAGES.includes(chosen) ? chosen : LANGUAGES[0];
  try { localStorage.setItem(KEY, language); } catch { /* for this visit alone, then */ }
  translate();
}
