"use strict";
const $ = id => document.getElementById(id);
const DATA = JSON.parse($("data").textContent);
const MARGIN = 1 / 32;  // of a tile's side, see report/strips.py
const SIZES = { contacts: 48, strips: 12, table: 50 };
const FIGURES = DATA.figures.map(([name, label, meaning, perfect, unit, limits]) => ({ name, label, meaning: limits ? `${meaning}; ${limits}` : meaning, perfect, unit }));
const LEVELS = ["good", "doubtful", "bad"];
const MARKS = { good: "✓ good", doubtful: "? doubtful", bad: "✗ bad", unchanged: "? no visible change", failed: "■ failed" };
const WORST = 6;  // shown before anything else
const MOST = 8;   // times that a picture is enlarged
const ROWS = DATA.rows.map(([photo, edit, layout, photoStrip, editStrip, figures, warnings, failure, notOffered, judged, other, pair, told], place) => ({
  level: judged && LEVELS[judged[0]], excess: judged ? judged[1] : -1, reasons: judged ? judged[2] : [], unchanged: Boolean(judged && judged[3]),
  step: other ? ["better", "alike", "worse"][judged ? judged[4] + 1 : 1] : "", other, pair,
  place, photo, edit: edit < 0 ? "" : DATA.edits[edit], layout: DATA.layouts[layout], photoStrip, editStrip, figures,
  warnings: warnings.map(w => DATA.warnings[w]), told: told.map(t => DATA.warnings[t]), failure, notOffered,
}));
const NOTHING = { photo: "", edit: "", q: "", state: "", step: "", sort: "", view: "", page: 1 };
const SELECTS = ["edit", "state", "sort", "step"].filter(name => $(name));
let now = { ...NOTHING };
let found = [];

/** An element with properties and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name in element && name !== "role") element[name] = value; else element.setAttribute(name, value);
  element.append(...children);
  return element;
}
const words = name => name.replaceAll("_", " ");
const figure = value => value == null ? "–" : value.toFixed(Math.abs(value) < 10 ? 3 : 1).replace("-", "−");
const address = strip => DATA.strips[strip] ?? DATA.folder + strip;

/** One tile out of a strip: the strip's picture, moved so that only this tile shows. */
function tile(row, [title, ofPhoto, at, count]) {
  const strip = ofPhoto ? row.photoStrip : row.editStrip;
  const picture = make("img", { loading: "lazy", decoding: "async", alt: `${title} of ${row.photo}` + (ofPhoto || !row.edit ? "" : `, ${words(row.edit)}`) });
  // Every tile has a margin that repeats its border, so that no neighbour shines in.
  const cell = 100 * (1 + 2 * MARGIN);
  picture.style.width = `${count * cell}%`;
  picture.style.left = `${-at * cell - 100 * MARGIN}%`;
  const box = make("span", { className: "tile" }, picture);
  picture.onerror = () => box.classList.add("away");
  if (strip) picture.src = address(strip); else box.classList.add("away");
  return box;
}

/** The last tile of a row that shows the edit itself: the full result comes after its crop. */
function resultOf(row) {
  const own = row.layout.filter(([, ofPhoto]) => !ofPhoto);
  return own.find(([title]) => title === "result") ?? own.findLast(([title]) => title !== "truth");
}

/** The verdict on a row as a mark that needs no colour. */
function mark(row) {
  const name = row.failure ? "failed" : row.unchanged && row.level === "doubtful" ? "unchanged" : row.level;
  return name ? make("b", { className: `mark ${name === "unchanged" ? "doubtful" : name}`, textContent: MARKS[name] }) : "";
}

function contact(row) {
  const shown = [row.layout[0], row.failure || row.notOffered ? null : resultOf(row)].filter(Boolean);
  const pair = row.pair ? make("img", { className: "pair", loading: "lazy", decoding: "async", src: address(row.pair), alt: `${row.photo} and ${words(row.edit)}` })
    : make("span", { className: "pair" }, ...shown.map(one => tile(row, one)));
  const about = row.notOffered ? make("span", { title: row.notOffered, textContent: `${words(row.edit)} not offered` })
    : row.failure || chosen() < 0 ? mark(row) : make("b", { textContent: figure(value(row)) });
  const name = [row.photo, row.edit && words(row.edit)].filter(Boolean).join(" · ");
  const label = make("span", { className: "label" }, make("span", { textContent: name }), about);
  const button = make("button", { type: "button", className: "contact" }, pair, label);
  button.onclick = () => go({ photo: row.photo, edit: row.edit });
  return button;
}

function strip(row) {
  const card = make("article", { className: "card row" }, make("h3", { textContent: row.photo + (row.edit ? ` · ${words(row.edit)}` : "") }));
  if (row.level) {
    const why = row.reasons.map(at => FIGURES[at].label).join(", ");
    card.append(make("p", { className: "judged" }, mark(row), why ? ` by ${why}` : "", row.step && row.step !== "alike" ? ` · ${row.step} than there` : ""));
  }
  for (const text of row.told) card.append(make("p", { className: "quiet", textContent: text }));
  for (const text of row.warnings) card.append(make("p", { className: "warn", textContent: text }));
  if (row.failure) {
    const [stage, reason, advice] = row.failure;
    card.append(make("p", { className: "bad", textContent: `Failed at ${stage}. ${reason}` }), make("p", { textContent: advice }));
  }
  if (row.notOffered) card.append(make("p", { textContent: `Not offered: ${row.notOffered}.` }));
  const tiles = make("div", { className: "strip" });
  row.layout.forEach((one, at) => {
    const button = make("button", { type: "button" }, tile(row, one));
    button.onclick = () => enlarge(row, at);
    tiles.append(make("figure", {}, button, make("figcaption", { textContent: one[0] })));
  });
  if (row.layout.length) card.append(tiles);
  if (resultOf(row) && !row.failure && !row.notOffered) {
    const button = make("button", { type: "button", className: "compare", textContent: "Photo and result under a swipe" });
    button.onclick = () => compare(row);
    card.append(button);
  }
  if (row.figures.length) {
    const numbers = FIGURES.map((how, at) => [how, row.figures[at]]).filter(([, number]) => number != null);
    card.append(make("p", { className: "numbers" }, ...numbers.map(([how, number]) =>
      make("span", { title: how.meaning, className: how.name === now.sort ? "chosen" : "" }, `${how.label} `, make("b", { textContent: figure(number) + (how.unit.length > 1 ? "\u00a0" : "") + how.unit }),
        row.other ? ` (there ${figure(row.other[FIGURES.indexOf(how)])})` : ""))));
  }
  return card;
}

function table(rows) {
  const head = FIGURES.map(how => {
    const button = make("button", { type: "button", title: how.meaning, textContent: how.label });
    button.onclick = () => go({ sort: how.name, view: "table" }, true);
    button.ariaPressed = String(how.name === now.sort);
    return make("th", { scope: "col", className: "sorts" }, button);
  });
  const body = rows.map(row => make("tr", {},
    make("th", { scope: "row" }, make("a", { href: hash({ ...NOTHING, photo: row.photo, edit: row.edit }), textContent: row.photo })),
    make("td", { className: "edit-name", textContent: words(row.edit) }),
    ...(row.failure && !row.figures.length ? [make("td", { colSpan: FIGURES.length, className: "bad", textContent: row.failure[1] })]
      : row.notOffered ? [make("td", { colSpan: FIGURES.length, textContent: `not offered: ${row.notOffered}` })]
      : FIGURES.map((_, at) => make("td", { className: "number", textContent: figure(row.figures[at]) })))));
  return make("div", { className: "card scroll", tabIndex: 0, role: "region", "aria-label": "Figures of photos and edits" },
    make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col", textContent: "Photo" }), make("th", { scope: "col", textContent: "Edit" }), ...head)), make("tbody", {}, ...body)));
}

const chosen = () => FIGURES.findIndex(how => how.name === now.sort);
const value = row => row.figures[chosen()];
/** The larger the worse; undefined figures come last. */
function badness(row) {
  if (now.sort === "overall") return row.excess;
  const number = value(row), { perfect } = FIGURES[chosen()];
  if (number == null) return -Infinity;
  return perfect == null ? -number : Math.abs(number - perfect);
}

function find() {
  const q = now.q.trim().toLowerCase();
  found = ROWS.filter(row =>
    (!now.photo || row.photo === now.photo) && (!now.edit || row.edit === now.edit || !row.edit && now.photo !== "")
    && row.photo.toLowerCase().includes(q)
    && (!LEVELS.includes(now.state) || row.level === now.state && !row.failure) && (now.state !== "unchanged" || row.unchanged) && (!now.step || row.step === now.step)
    && (now.state !== "failed" || row.failure) && (now.state !== "done" || row.figures.length) && (now.state !== "kept" || row.notOffered) && (now.state !== "warned" || row.warnings.length));
  if (now.sort) {
    const worst = new Map(found.map(row => [row, badness(row)]));
    found.sort((a, b) => worst.get(b) - worst.get(a) || a.place - b.place);
  }
}

const viewNow = () => now.view || (now.photo || found.length <= 3 ? "strips" : "contacts");
function draw() {
  find();
  const view = viewNow(), size = SIZES[view], pages = Math.max(1, Math.ceil(found.length / size));
  now.page = Math.min(Math.max(1, now.page), pages);
  const rows = found.slice((now.page - 1) * size, now.page * size);
  const list = $("list");
  if (!rows.length) list.replaceChildren(make("p", { textContent: "Nothing fits. Show all, or change what is asked for above." }));
  else if (view === "contacts") list.replaceChildren(make("div", { id: "contacts", className: "contacts" }, ...rows.map(contact)));
  else if (view === "strips") list.replaceChildren(...rows.map(strip));
  else list.replaceChildren(table(rows));
  $("search").value = now.photo || now.q;
  for (const name of SELECTS) $(name).value = now[name];
  for (const button of document.querySelectorAll("[data-view]")) button.ariaPressed = String(button.dataset.view === view);
  $("page").value = now.page;
  $("page").max = pages;
  for (const id of ["of", "of2"]) $(id).textContent = id === "of" ? `of ${pages}` : `page ${now.page} of ${pages}`;
  for (const id of ["back", "back2"]) $(id).ariaDisabled = String(now.page <= 1);
  for (const id of ["on", "on2"]) $(id).ariaDisabled = String(now.page >= pages);
  $("count").textContent = `${found.length.toLocaleString("en")} of ${ROWS.length.toLocaleString("en")}`;
}

function hash(state) {
  const said = Object.entries(state).filter(([name, what]) => what && what !== NOTHING[name]);
  return "#" + new URLSearchParams(said.map(([name, what]) => [name, String(what)])) || "#";
}
/** Change what is shown; every state has an address, so that the browser's way back works. */
function go(change, replace = false) {
  now = { ...now, page: 1, ...change };
  const address = hash(now) === "#" ? "#list" : hash(now);
  history[replace ? "replaceState" : "pushState"](null, "", address);
  draw();
  if (!replace) $("photos").scrollIntoView();
}
function fromAddress() {
  const said = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  if (!Object.keys(said).some(name => name in NOTHING)) return false;
  now = { ...NOTHING, ...said, page: Number(said.page) || 1 };
  return true;
}
function turn(step) {
  const pages = Number($("page").max);
  if (now.page + step < 1 || now.page + step > pages) return;
  now.page += step;
  history.replaceState(null, "", hash(now) === "#" ? "#list" : hash(now));
  draw();
  $("photos").scrollIntoView();
}

const dialog = document.querySelector("dialog"), view = dialog.querySelector(".view"), swipe = $("swipe");
let large = null;
function enlarge(row, at) {
  const one = row.layout[at], file = one[4].replace("{photo}", row.photo).replace("{edit}", row.edit);
  const text = [`${row.photo}${row.edit ? " · " + words(row.edit) : ""} · ${one[0]} `];
  // Inside another page, like Snakemake's report, the files are not beside this one.
  if (file && window.top === window) text.push(make("a", { href: file, target: "_blank", textContent: "in full" }));
  show(row, at, [one], text);
}
/** Photo and result in one place, parted by a line that moves. */
function compare(row) {
  show(row, -1, [resultOf(row), row.layout[0]], [`${row.photo} · ${words(row.edit)}`]);
  swipe.focus();
}
function show(row, at, tiles, text) {
  large = { row, at, zoom: 1, x: 0, y: 0 };
  const boxes = tiles.map(one => tile(row, one));
  boxes.forEach((box, number) => {
    const [, , cell, count] = tiles[number], picture = box.firstChild;
    Object.assign(picture, { loading: "eager", draggable: false });
    picture.style.transformOrigin = `${(cell + .5) / count * 100}% 50%`;
    picture.style.setProperty("--wide", count * (1 + 2 * MARGIN));
  });
  view.replaceChildren(...boxes);
  dialog.querySelector(".swipe").hidden = tiles.length < 2;
  for (const button of dialog.querySelectorAll("[data-step='1'], [data-step='-1']")) button.hidden = tiles.length > 1;
  dialog.querySelector("p").replaceChildren(...text);
  part();
  place();
  if (!dialog.open) dialog.showModal();
}
/** The photo left of the line, the result right of it; the line stays where the picture is enlarged. */
function part() {
  const photo = view.children[1];
  view.classList.toggle("parted", Boolean(photo));
  view.style.setProperty("--part", `${swipe.value}%`);
  if (photo) photo.style.clipPath = `inset(0 ${100 - swipe.value}% 0 0)`;
}
function place() {
  const edge = (large.zoom - 1) / 2 * 100;
  for (const axis of "xy") large[axis] = Math.max(-edge, Math.min(edge, large[axis]));
  for (const box of view.children) {
    box.style.setProperty("--zoom", large.zoom);
    box.style.setProperty("--x", `${large.x}%`);
    box.style.setProperty("--y", `${large.y}%`);
  }
  view.classList.toggle("zoomed", large.zoom > 1);
}
function zoom(by) {
  large.zoom = Math.max(1, Math.min(MOST, large.zoom * by));
  place();
}
view.addEventListener("wheel", event => { event.preventDefault(); zoom(event.deltaY < 0 ? 1.25 : .8); }, { passive: false });
view.addEventListener("pointerdown", event => {
  view.setPointerCapture(event.pointerId);
  view.onpointermove = moved => {
    const side = view.getBoundingClientRect().width;
    if (large.zoom > 1) { large.x += moved.movementX / side * 100; large.y += moved.movementY / side * 100; place(); }
    else if (view.children.length > 1) { swipe.value = (moved.clientX - view.getBoundingClientRect().left) / side * 100; part(); }
  };
});
for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { view.onpointermove = null; });
swipe.addEventListener("input", part);
const step = by => large && large.at >= 0 && enlarge(large.row, (large.at + by + large.row.layout.length) % large.row.layout.length);

if ($("list")) {
  for (const name of DATA.edits) $("edit").append(make("option", { value: name, textContent: words(name) }));
  for (const how of FIGURES) $("sort").append(make("option", { value: how.name, textContent: `worst ${how.label}` }));
  document.querySelector(".tools").addEventListener("submit", event => event.preventDefault());
  $("search").addEventListener("input", () => go({ q: $("search").value, photo: "" }, true));
  for (const name of SELECTS) $(name).addEventListener("change", () => go({ [name]: $(name).value, photo: "" }, true));
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => go({ view: button.dataset.view }, true));
  $("page").addEventListener("change", () => turn((Number($("page").value) || 1) - now.page));
  for (const [id, by] of [["back", -1], ["back2", -1], ["on", 1], ["on2", 1]]) $(id).addEventListener("click", () => turn(by));
  $("reset").addEventListener("click", () => go({ ...NOTHING, view: now.view }, true));
  addEventListener("hashchange", () => { if (fromAddress()) { draw(); $("photos").scrollIntoView(); } });
  addEventListener("popstate", () => { if (!location.hash || location.hash === "#list") { now = { ...NOTHING }; draw(); } });
  document.addEventListener("keydown", event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (dialog.open && ["+", "=", "-"].includes(event.key)) return zoom(event.key === "-" ? .5 : 2);
    if (!by || event.target === swipe || event.altKey || event.ctrlKey || event.metaKey) return;
    if (dialog.open) step(by);
    else if (event.target.closest("input, select, .scroll, pre")) return;
    else turn(by);
    event.preventDefault();
  });
  for (const button of dialog.querySelectorAll("[data-step]")) button.addEventListener("click", () => Number(button.dataset.step) ? step(Number(button.dataset.step)) : dialog.close());
  for (const button of dialog.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => zoom(Number(button.dataset.zoom)));
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  const worst = ROWS.filter(row => row.level && row.level !== "good").sort((a, b) => b.excess - a.excess || a.place - b.place).slice(0, WORST);
  if ($("worst")) $("worst").append(...worst.map(row => {
    const card = contact(row);
    card.append(make("span", { className: "why", textContent: row.reasons.map(at => FIGURES[at].label).slice(0, 2).join(", ") }));
    return card;
  }));
  if ($("worst") && !worst.length) $("worst").replaceWith(make("p", { textContent: "None is doubtful or bad." }));
  const asked = fromAddress();
  draw();
  if (asked) $("photos").scrollIntoView();
}

const times = Object.entries(JSON.parse($("timing").textContent));
const most = Math.max(...times.map(([, time]) => time[1]));
for (const [stage, [jobs, seconds, longest]] of times) {
  const bar = make("span", { className: "bar" });
  bar.style.width = `${seconds / most * 12}rem`;
  $("times").tBodies[0].append(make("tr", {}, make("th", { scope: "row", textContent: stage }),
    ...[jobs, seconds.toFixed(1), longest.toFixed(1)].map(text => make("td", { className: "number", textContent: text })), make("td", {}, bar)));
}
