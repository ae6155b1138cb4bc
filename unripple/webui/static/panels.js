// Parts of the controls that modules bring along: a text tab, other programs' edits, the queue.
//
// To add one, write a module beside this one and import it in page.js, below './edits.js', in the
// place that it shall have among the others (one line: import './text.js';). All that it says is
//
//   import { addPanel } from './panels.js';
//   import { ask, json, listen, say, state, tellOthers } from './server.js';
//
//   addPanel({
//     name: 'text',                        // its element is #u-panel-text
//     title: 'text.title',                 // of the strings:
//     strings: { 'text.title': ['Say it in words', 'In Worten sagen'] },  // English, German; t('text.title')
//     open: false,                         // whether it is unfolded at first
//     build(place) { place.append(...); }, // fills its element, once
//     edit() { return { text: '...' }; },  // or {}: joins what the sliders say (see below)
//     set(edit) { },                       // shows what such an edit says: after undo, reload, a pin
//   });
//
// Only name, title and build are needed. What edit() gives goes with `moves` to /preview and /full
// (EditRequest.from_json in edit_request.py must know its keys), into the history, the pins, the
// queue and the address. Call tellOthers('moved') when it changed: the page draws the edit anew. A
// road of its own to the server is a line of Routes.all in routes.py, asked by ask('/road', json(...)).
// listen('photo', call) tells of another photo. Texts for people are t('key') of strings.js.
import { $ } from './server.js';
import { addStrings, t, translate } from './strings.js';

const panels = [];

export function addPanel(panel) {
  addStrings(panel.strings || {});
  const place = Object.assign(document.createElement('details'), { className: 'u-part', id: 'u-panel-' + panel.name, open: Boolean(panel.open) });
  const summary = Object.assign(document.createElement('summary'), { textContent: t(panel.title) });
  summary.dataset.t = panel.title;
  place.append(summary);
  $('panels').append(place);
  panels.push(panel);
  panel.build(place);
  translate(place);
}
// What all panels add to an edit.
export function panelsEdit() { return Object.assign({}, ...panels.map((panel) => (panel.edit ? panel.edit() : {}))); }
export function setPanels(edit) { for (const panel of panels) if (panel.set) panel.set(edit); }
