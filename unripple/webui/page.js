// The page's behaviour. `element` is the component's root, given by the page that runs this.
const $ = (id) => element.querySelector('#u-' + id);
const VIEWS = [['photo', 'Photo'], ['inversion', 'Inversion'], ['edit', 'With ripples'], ['ripple', 'Ripple'], ['result', 'Result']];
const REST_MS = 250; // so long must a slider rest before the edit is made at full quality

const state = {
  session: '', photo: null, made: [], version: 0, sliders: new Map(), keep: false,
  previewing: false, wanting: false, rest: 0, serial: 0, preview: '', timings: [], full: 0,
};
window.unripple = state; // for tests and benchmarks
// The token is in a cookie by now; nobody needs to read it over a shoulder or in the history.
if (new URLSearchParams(location.search).has('token')) history.replaceState(null, '', location.pathname);

const base = () => '/studio/' + state.session;
function say(text, kind = '') {
  $('status').textContent = text;
  $('status').className = 'u-status' + (kind ? ' u-' + kind : '');
}
async function ask(path, options = {}) {
  const answer = await fetch(base() + path, options);
  if (answer.status === 409) return null; // a newer wish took its place
  if (!answer.ok) {
    const text = await answer.text();
    let told = text;
    try { told = JSON.parse(text).error; } catch { /* plain text */ }
    throw new Error(told || 'the server does not answer');
  }
  return answer;
}
const json = (content) => ({ method: 'POST', body: JSON.stringify(content), headers: { 'content-type': 'application/json' } });

// ---------------------------------------------------------------- sliders
function wanted() {
  const moves = {};
  for (const [name, one] of state.sliders) {
    const degree = Number(one.input.value);
    if (one.touched && (one.place || degree !== 0)) moves[name] = degree;
  }
  return { moves, translation: $('translation').value };
}
function sliderRow(slider) {
  const row = document.createElement('div');
  row.className = 'u-slider';
  const id = 'u-slider-' + slider.name;
  const label = Object.assign(document.createElement('label'), { htmlFor: id, textContent: slider.title, title: slider.hint });
  if (slider.weak) {
    const weak = Object.assign(document.createElement('span'), { className: 'u-weak', textContent: ' weak' });
    weak.title = 'These models hardly show it';
    label.append(weak);
  }
  const output = Object.assign(document.createElement('output'), { htmlFor: id });
  const input = Object.assign(document.createElement('input'), { type: 'range', id, min: slider.low, max: slider.high, step: slider.step, value: 0 });
  input.style.setProperty('--zero', (100 * -slider.low) / (slider.high - slider.low) + '%');
  const reset = Object.assign(document.createElement('button'), { type: 'button', textContent: '↺', title: 'Reset' });
  reset.setAttribute('aria-label', 'Reset ' + slider.title);
  const one = { ...slider, row, input, output, touched: false };
  input.addEventListener('input', () => { one.touched = true; drawSlider(one); moved(); });
  input.addEventListener('dblclick', () => { resetSlider(one); moved(); });
  reset.addEventListener('click', () => { resetSlider(one); moved(); input.focus(); });
  row.append(label, output, reset, input);
  state.sliders.set(slider.name, one);
  drawSlider(one);
  return row;
}
function drawSlider(one) {
  const degree = Number(one.input.value);
  one.row.classList.toggle('u-moved', one.touched && (one.place || degree !== 0));
  one.output.textContent = one.touched ? degree.toFixed(1).replace('-', '−') : '0.0';
  if (one.name === 'pose' || one.name === 'pitch') drawPad();
}
function resetSlider(one) { one.input.value = 0; one.touched = false; drawSlider(one); }
function setSlider(one, degree) {
  one.input.value = Math.min(one.high, Math.max(one.low, degree));
  one.touched = true;
  drawSlider(one);
}
function showControls(controls) {
  state.sliders.clear();
  $('groups').replaceChildren();
  $('pose-sliders').replaceChildren();
  controls.groups.forEach((group, number) => {
    if (group.title === 'Pose') {
      $('pose-sliders').append(...group.sliders.map(sliderRow));
      return;
    }
    const part = Object.assign(document.createElement('details'), { className: 'u-part', open: number < 2 });
    const summary = Object.assign(document.createElement('summary'), { textContent: group.title });
    part.append(summary, ...group.sliders.map(sliderRow));
    $('groups').append(part);
  });
  $('pad').hidden = !state.sliders.has('pose');
  options($('translation'), ['', ...controls.translations], (name) => name || 'None');
}
function options(select, names, title = (name) => name, chosen = select.value) {
  select.replaceChildren(...names.map((name) => new Option(title(name), name)));
  select.value = names.includes(chosen) ? chosen : names[0];
}

// ---------------------------------------------------------------- pose pad
function pair() { return [state.sliders.get('pose'), state.sliders.get('pitch')]; }
function drawPad() {
  const [yaw, pitch] = pair();
  const share = (one) => (one ? Number(one.input.value) / Math.max(-one.low, one.high) : 0);
  $('dot').style.left = 50 + 42 * share(yaw) + '%';
  $('dot').style.top = 50 - 42 * share(pitch) + '%';
}
function padTo(event) {
  const box = $('pad').getBoundingClientRect();
  const [yaw, pitch] = pair();
  const at = (place, length) => Math.max(-1, Math.min(1, (place / length - 0.5) / 0.42));
  const set = (one, share) => one && setSlider(one, Math.round(share * Math.max(-one.low, one.high) * 10) / 10);
  set(yaw, at(event.clientX - box.left, box.width));
  set(pitch, -at(event.clientY - box.top, box.height));
  moved();
}
$('pad').addEventListener('pointerdown', (event) => { $('pad').setPointerCapture(event.pointerId); padTo(event); });
$('pad').addEventListener('pointermove', (event) => { if (event.buttons) padTo(event); });
$('pad').addEventListener('keydown', (event) => {
  const [yaw, pitch] = pair();
  const step = event.shiftKey ? 1 : 0.2;
  const keys = { ArrowLeft: [yaw, -step], ArrowRight: [yaw, step], ArrowUp: [pitch, step], ArrowDown: [pitch, -step] };
  if (event.key === 'Home') [yaw, pitch].forEach((one) => one && resetSlider(one));
  else if (keys[event.key] && keys[event.key][0]) setSlider(keys[event.key][0], Number(keys[event.key][0].input.value) + keys[event.key][1]);
  else return;
  event.preventDefault();
  moved();
});

// ---------------------------------------------------------------- pictures
function address(view) {
  const whole = $('whole').checked && ['photo', 'result'].includes(view);
  const name = whole ? 'whole_' + view : view;
  if (view === 'result' && !state.made.includes('result')) return address('photo');
  return base() + '/pictures/' + name + '?v=' + state.version;
}
function chosen() { return element.querySelector('input[name=u-shown]:checked').value; }
function compare() { return element.querySelector('input[name=u-compare]:checked').value; }
function draw() {
  if (!state.photo) return;
  const all = compare() === 'all';
  const whole = $('whole').checked && !all;
  $('empty').hidden = true;
  $('frame').hidden = all;
  $('tiles').hidden = !all;
  for (const input of element.querySelectorAll('input[name=u-shown]')) {
    const view = input.value;
    input.disabled = all || (['edit', 'ripple'].includes(view) && !state.made.includes(view)) || (whole && !['photo', 'result'].includes(view));
    if (input.checked && input.disabled && !all) { element.querySelector('input[name=u-shown][value=result]').checked = true; }
  }
  $('whole').disabled = all;
  if (all) { drawTiles(); return; }
  $('frame').style.setProperty('--wide', whole ? state.photo.width / state.photo.height : 1);
  $('frame').style.setProperty('--ratio', whole ? state.photo.width + ' / ' + state.photo.height : '1');
  const swipe = compare() === 'swipe' && chosen() !== 'photo';
  $('swipe').hidden = $('line').hidden = !swipe || painting();
  $('frame').style.setProperty('--cut', swipe && !painting() ? $('swipe').value + '%' : '0%');
  setPicture($('under'), address('photo'));
  setPicture($('over'), address(chosen()));
  $('under').alt = 'The photo';
  $('over').alt = VIEWS.find(([name]) => name === chosen())[1];
  placePreview(whole);
  $('paint').hidden = !whole || !(painting() || state.keep);
  $('paint').classList.toggle('u-still', !painting());
}
function setPicture(image, url) { if (image.getAttribute('src') !== url) image.src = url; }
function drawTiles() {
  $('tiles').replaceChildren(...VIEWS.filter(([view]) => !['edit', 'ripple', 'result'].includes(view) || state.made.includes(view)).map(([view, title]) => {
    const figure = document.createElement('figure');
    const image = Object.assign(document.createElement('img'), { src: base() + '/pictures/' + view + '?v=' + state.version, alt: title });
    figure.append(image, Object.assign(document.createElement('figcaption'), { textContent: title }));
    return figure;
  }));
}
let laid = null; // the preview over a whole photo
function placePreview(whole) {
  $('badge').hidden = !state.preview;
  if (laid) { laid.remove(); laid = null; }
  if (!state.preview) return;
  if (!whole) { $('over').src = state.preview; return; }
  const { width, height, side, transform } = state.photo;
  const scale = $('frame').clientWidth / width;
  laid = Object.assign(document.createElement('img'), { src: state.preview, alt: '' });
  const [a, b, c, d, e, f] = transform;
  Object.assign(laid.style, {
    width: side + 'px', height: side + 'px', inset: 'auto', left: 0, top: 0, transformOrigin: '0 0',
    transform: `scale(${scale}) matrix(${a},${b},${c},${d},${e},${f})`, maxWidth: 'none',
  });
  setPicture($('over'), base() + '/pictures/whole_photo?v=' + state.version);
  $('clip').append(laid);
}
function forgetPreview() {
  if (state.preview) URL.revokeObjectURL(state.preview);
  state.preview = '';
}

// ---------------------------------------------------------------- previews and edits
function moved() {
  if (!state.photo) return;
  state.wanting = performance.now();
  if (!state.previewing) preview();
  clearTimeout(state.rest);
  state.rest = setTimeout(full, REST_MS);
}
async function preview() {
  state.previewing = true;
  while (state.wanting) {
    const asked = state.wanting, serial = state.serial;
    state.wanting = 0;
    try {
      const answer = await ask('/preview', json(wanted()));
      if (answer === null) continue;
      const address = URL.createObjectURL(await answer.blob());
      const image = new Image();
      image.src = address;
      await image.decode();
      if (serial !== state.serial) { URL.revokeObjectURL(address); continue; }
      forgetPreview();
      state.preview = address;
      if (compare() !== 'all') draw();
      await new Promise(requestAnimationFrame);
      state.timings.push(performance.now() - asked);
      if (state.timings.length > 1000) state.timings.shift();
    } catch (error) {
      say(error.message, 'bad');
    }
  }
  state.previewing = false;
}
async function full() {
  if (!state.photo) return;
  const mine = ++state.full;
  const asked = JSON.stringify(wanted());
  say('Finishing…');
  try {
    const answer = await ask('/full', json(wanted()));
    if (answer === null || mine !== state.full) return;
    const told = await answer.json();
    if (JSON.stringify(wanted()) !== asked) return; // the next one is on its way
    state.serial += 1;
    state.version += 1;
    state.made = told.pictures;
    forgetPreview();
    await ready(address(chosen()));
    draw();
    drawFigures(told);
    const words = told.kept ? 'Done. Figures are of the edit before what you keep is put back.' : 'Done.';
    say(told.pictures.length ? words : '', '');
  } catch (error) {
    if (mine === state.full) say(error.message, 'bad');
  }
}
async function ready(url) { // so that nothing flickers
  const image = new Image();
  image.src = url;
  try { await image.decode(); } catch { /* the page will say so */ }
}
function drawFigures({ figures, warnings, pictures }) {
  $('figures').hidden = !pictures.length;
  const number = (value, digits, unit = '') => (value === null || value === undefined ? '–' : value.toFixed(digits).replace('-', '−') + unit);
  $('identity-before').textContent = '1.00';
  $('identity-after').textContent = number(figures.identity, 2);
  $('yaw-before').textContent = number(figures.yaw_before, 1, '°');
  $('yaw-after').textContent = number(figures.yaw_after, 1, '°');
  $('ghost-before').textContent = number(figures.ghost_before, 2);
  $('ghost-after').textContent = number(figures.ghost_after, 2);
  $('warnings').replaceChildren(...(warnings || []).map((text) => Object.assign(document.createElement('li'), { textContent: text })));
}

// ---------------------------------------------------------------- photos and models
async function open(query, body = null) {
  say('Looking for the face…');
  clearTimeout(state.rest);
  const asked = new URLSearchParams({ ...query, models: $('models').value, inverter: $('inverter').value });
  try {
    const answer = await ask('/photo?' + asked, { method: 'POST', body });
    if (answer === null) return false;
    const photo = await answer.json();
    const same = state.photo && query.same;
    state.photo = photo;
    state.serial += 1;
    state.version += 1;
    state.full += 1;
    state.made = [];
    forgetPreview();
    if (!same) { clearKeep(); $('whole').checked = false; }
    for (const button of $('samples').children) button.setAttribute('aria-pressed', String(button.dataset.name === query.sample));
    drawFigures({ figures: {}, warnings: [], pictures: [] });
    draw();
    say('');
    const now = wanted();
    if (Object.keys(now.moves).length || now.translation) await full();
    return true;
  } catch (error) {
    say(error.message, 'bad');
    return false;
  }
}
$('upload').addEventListener('change', async () => {
  const [file] = $('upload').files;
  if (file) await open({ name: file.name }, file);
  $('upload').value = '';
});
$('inverter').addEventListener('change', () => state.photo && open({ same: 1 }));
$('models').addEventListener('change', async () => {
  try {
    const answer = await ask('/controls/' + encodeURIComponent($('models').value));
    showControls(await answer.json());
    if (state.photo) await open({ same: 1 });
  } catch (error) { say(error.message, 'bad'); }
});
$('translation').addEventListener('change', moved);
$('reset-all').addEventListener('click', () => {
  for (const one of state.sliders.values()) resetSlider(one);
  $('translation').value = '';
  moved();
});
for (const input of element.querySelectorAll('input[name=u-compare], input[name=u-shown], #u-whole')) input.addEventListener('change', draw);
$('swipe').addEventListener('input', draw);
$('frame').addEventListener('pointermove', (event) => {
  if (!event.buttons || $('swipe').hidden || event.target === $('swipe') || painting()) return;
  const box = $('frame').getBoundingClientRect();
  $('swipe').value = (100 * (event.clientX - box.left)) / box.width;
  draw();
});
window.addEventListener('resize', draw);

// ---------------------------------------------------------------- keep unedited
const pen = $('paint').getContext('2d');
function painting() { return $('paint-toggle').getAttribute('aria-pressed') === 'true'; }
function prepareCanvas() {
  const shrink = Math.min(1, 1024 / Math.max(state.photo.width, state.photo.height));
  const width = Math.max(1, Math.round(state.photo.width * shrink)), height = Math.max(1, Math.round(state.photo.height * shrink));
  if ($('paint').width !== width || $('paint').height !== height) Object.assign($('paint'), { width, height });
}
$('paint-toggle').addEventListener('click', () => {
  if (!state.photo) { say('Choose a photo first.', 'bad'); return; }
  const on = !painting();
  $('paint-toggle').setAttribute('aria-pressed', String(on));
  if (on) {
    element.querySelector('input[name=u-compare][value=single]').checked = true;
    $('whole').checked = true;
    prepareCanvas();
    say('Paint over what must stay as it is in the photo.');
  }
  draw();
});
let stroke = null;
function paintTo(event) {
  const box = $('paint').getBoundingClientRect();
  const scale = $('paint').width / box.width;
  const at = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  pen.lineCap = pen.lineJoin = 'round';
  pen.lineWidth = Number($('brush').value) * scale;
  pen.strokeStyle = '#1f5f7a';
  pen.beginPath();
  pen.moveTo(...(stroke || at));
  pen.lineTo(at[0] + 0.01, at[1]);
  pen.stroke();
  stroke = at;
}
$('paint').addEventListener('pointerdown', (event) => { $('paint').setPointerCapture(event.pointerId); stroke = null; paintTo(event); });
$('paint').addEventListener('pointermove', (event) => { if (event.buttons && painting()) paintTo(event); });
$('paint').addEventListener('pointerup', () => { stroke = null; sendPainted(); });
async function sendPainted() {
  const { width, height } = $('paint');
  const plain = Object.assign(document.createElement('canvas'), { width, height });
  const content = plain.getContext('2d');
  const painted = pen.getImageData(0, 0, width, height);
  for (let i = 0; i < painted.data.length; i += 4) {
    const level = painted.data[i + 3] > 127 ? 255 : 0;
    painted.data.set([level, level, level, 255], i);
  }
  content.putImageData(painted, 0, 0);
  await sendKeep(await new Promise((done) => plain.toBlob(done, 'image/png')));
}
async function sendKeep(file) {
  try {
    const answer = await ask('/keep', { method: 'POST', body: file });
    const { pixels } = await answer.json();
    state.keep = pixels > 0;
    await full();
    return true;
  } catch (error) { say(error.message, 'bad'); return false; }
}
$('mask').addEventListener('change', async () => {
  const [file] = $('mask').files;
  if (file && state.photo && (await sendKeep(file))) {
    prepareCanvas();
    const picture = await createImageBitmap(file);
    pen.clearRect(0, 0, $('paint').width, $('paint').height);
    pen.drawImage(picture, 0, 0, $('paint').width, $('paint').height);
    const shown = pen.getImageData(0, 0, $('paint').width, $('paint').height);
    for (let i = 0; i < shown.data.length; i += 4) {
      const light = shown.data[i] + shown.data[i + 1] + shown.data[i + 2] >= 384;
      shown.data.set([31, 95, 122, light ? 255 : 0], i);
    }
    pen.putImageData(shown, 0, 0);
    draw();
  }
  $('mask').value = '';
});
function clearKeep() {
  state.keep = false;
  $('paint-toggle').setAttribute('aria-pressed', 'false');
  pen.clearRect(0, 0, $('paint').width, $('paint').height);
}
$('keep-clear').addEventListener('click', async () => {
  clearKeep();
  draw();
  try { await ask('/keep', { method: 'DELETE' }); if (state.photo) await full(); } catch (error) { say(error.message, 'bad'); }
});

// ---------------------------------------------------------------- save
$('save').addEventListener('click', async () => {
  try {
    const answer = await ask('/result.png');
    const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') || '');
    const address = URL.createObjectURL(await answer.blob());
    Object.assign(document.createElement('a'), { href: address, download: name ? name[1] : 'edited.png' }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
    say('Image saved.', 'good');
  } catch (error) { say(error.message, 'bad'); }
});
$('batch-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const told = await (await ask('/batch', json({ name: $('batch-name').value.trim() }))).json();
    say(`${told.new ? 'Added' : 'It was there already'}: ${told.edit}. Run: ${told.command}`, 'good');
  } catch (error) { say(error.message, 'bad'); }
});
$('translation-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  try {
    const told = await (await ask('/translation', json({ name: $('translation-name').value.trim() }))).json();
    options($('translation'), ['', ...told.translations], (name) => name || 'None');
    say(`Saved as ${told.file}.`, 'good');
  } catch (error) { say(error.message, 'bad'); }
});
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); }); // its session has ended
window.addEventListener('pagehide', () => { if (state.session) navigator.sendBeacon(base() + '/end'); });

(async () => {
  try {
    const begun = await (await fetch('/studio/begin', { method: 'POST' })).json();
    if (begun.error) throw new Error(begun.error);
    state.session = begun.session;
    options($('models'), begun.controls.models);
    options($('inverter'), begun.controls.inverters, (name) => ({ hfgi: 'hfgi: with details', e4e: 'e4e: codes alone' })[name] || name, begun.controls.inverter);
    showControls(begun.controls);
    $('samples').replaceChildren(...begun.controls.samples.slice(0, 12).map((name) => {
      const button = Object.assign(document.createElement('button'), { type: 'button', title: name });
      button.dataset.name = name;
      button.setAttribute('aria-pressed', 'false');
      button.append(Object.assign(document.createElement('img'), { src: '/studio/sample/' + encodeURIComponent(name), alt: 'Sample ' + name, loading: 'lazy' }));
      button.addEventListener('click', () => open({ sample: name }));
      return button;
    }));
    if (begun.controls.samples.length) await open({ sample: begun.controls.samples[0] });
  } catch (error) { say(String(error.message || error), 'bad'); }
})();
