// Pictures side by side: shared zoom and pan, values under the pointer in all tiles at once, differences against any
// tile, a profile line, and names that can be hidden.
const find = (name) => element.querySelector(name);
const told = find(".lx-tiles").dataset; // in the markup, complete even if a value comes before the tab is visible
const list = find(".lx-tile-list"), toolbar = find(".lx-toolbar"), empty = find(".lx-empty"), mode = find(".lx-mode");
const blind = find(".lx-only-blind"), where = find(".lx-where"), zoomText = find(".lx-zoom"), against = find(".lx-against");
const drawing = find(".lx-draw");
const tiles = new Map();
const stage = makeStage(() => draw());
const features = new Set(told.features.split(" "));
for (const name of ["compare", "blind", "line"])
  for (const part of element.querySelectorAll(".lx-only-" + name)) part.hidden = !features.has(name);
let hidden = false, batch = null, order = [], line = null, linePending = null, latest = { tiles: [] }, asking = null, wanted = "", under = null;

// 256 colours of the palette, from the server's stops.
const palette = (() => {
  const stops = told.palette.split(" ").map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const table = new Uint8ClampedArray(768);
  for (let i = 0; i < 256; i++) {
    const place = i / 255 * (stops.length - 1), low = Math.min(stops.length - 2, Math.floor(place)), share = place - low;
    for (let c = 0; c < 3; c++) table[3 * i + c] = stops[low][c] * (1 - share) + stops[low + 1][c] * share;
  }
  return table;
})();
const SCALE = 0.25;

// The frame that shows most, and the screen pixels per photo pixel when it shows the whole.
const widest = () => [...tiles.values()].map((tile) => tile.frame).reduce((one, other) => other.clientWidth > one.clientWidth ? other : one);
const fitted = () => widest().clientWidth * devicePixelRatio / latest.size[0];
function draw() {
  const sized = tiles.size && latest.size, scale = stage.zoom * (sized ? fitted() : 1);
  for (const tile of tiles.values()) {
    for (const { image, overlay, box } of tile.layers) for (const each of [image, overlay]) stage.lay(each, box);
    tile.frame.classList.toggle("lx-coarse", sized ? scale >= 3 : stage.zoom > 1 || tile.layers[0].width < 200);
    tile.frame.classList.toggle("lx-zoomed", stage.zoom > 1);
    if (!line) { tile.line.setAttribute("visibility", "hidden"); continue; }
    tile.line.setAttribute("visibility", "visible");
    for (const end of [1, 2]) {
      const [u, v] = stage.seen(line[2 * end - 2], line[2 * end - 1]);
      tile.line.setAttribute("x" + end, u * 100 + "%"); tile.line.setAttribute("y" + end, v * 100 + "%");
    }
  }
  zoomText.textContent = Math.round(scale * 100) + " %";
  clearTimeout(asking);
  if (sized) asking = setTimeout(ask, 200);
}
// The tile whose picture a frame shows: its own, or the one that a number key put there.
const shownIn = (tile) => tiles.get(tile.stand) || tile;
// True if a tile has one pixel for each screen pixel, or all that exist; a model that needs the whole picture has no
// windows.
function sharp(tile, across) {
  const [width, height] = latest.size, { item } = shownIn(tile);
  const most = item.windows === false ? Math.min(1, latest.sharpest / Math.max(width, height)) * width : width;
  const best = Math.max(...tile.layers.filter((layer) => stage.holds(layer.box)).map((layer) => layer.across));
  tile.whole.hidden = !(item.windows === false && across > most + 1 && best > most - 2);
  return best >= Math.min(across, most) - 2;
}
// Once the view rests, its content is fetched at the screen's sharpness. Only the latest question counts.
function ask() {
  if (!tiles.size || !latest.size || !widest().clientWidth) return;
  const { across, ...look } = stage.look(widest(), latest.size);
  const short = [...tiles.values()].filter((tile) => !sharp(tile, across));
  const asked = JSON.stringify([batch, order.length, look.need, ...look.window.map((share) => share.toFixed(5))]);
  for (const tile of tiles.values()) tile.follows.hidden = !short.includes(tile) || latest.answered === asked;
  if (!short.length || asked === wanted) return;
  wanted = asked;
  props.value = { ...latest, ...look, asked };
  trigger("input");
}
function name() {
  let letter = 0;
  const masks = new Map();
  for (const id of order) {
    const tile = tiles.get(id);
    if (!tile) continue;
    const masked = hidden && !tile.item.open;
    // A, B, ... Z, A1, B1, ...
    const code = () => String.fromCharCode(65 + letter % 26) + (letter < 26 ? "" : Math.floor(letter / 26));
    const shown = masked ? code() : tile.item.title;
    if (masked) letter++;
    masks.set(id, { shown, masked });
  }
  const numbered = order.filter((id) => tiles.has(id));
  numbered.forEach((id, index) => {
    const tile = tiles.get(id), there = list.children[index];
    if (there !== tile.row) list.insertBefore(tile.row, there || null); // a moved element loses the focus
    const seen = shownIn(tile), { shown, masked } = masks.get(seen.item.id);
    const number = numbered.indexOf(seen.item.id) + 1;
    tile.number.textContent = number < 10 ? number : "";
    tile.title.textContent = shown;
    tile.frame.setAttribute("aria-label", shown);
    tile.layers[0].image.alt = masked ? shown : seen.item.alt;
    tile.note.textContent = masked ? "" : seen.item.note || "";
  });
  const kept = against.value;
  against.replaceChildren(...order.filter((id) => tiles.has(id)).map((id) => new Option(masks.get(id).shown, id)));
  if (tiles.has(kept)) against.value = kept;
  else { const better = [...tiles.values()].find((tile) => tile.item.reference); if (better) against.value = better.item.id; }
  blind.setAttribute("aria-pressed", String(hidden));
  document.body.classList.toggle("lx-blinded", hidden && features.has("blind"));
}
// The picture in another mode: a difference, or scaled to the other's mean. Words and factor are those of the whole
// picture.
function derive(tile) {
  const other = tiles.get(against.value), kind = features.has("compare") ? mode.value : "picture";
  const pairs = tile.layers.map((layer) => [layer, other && other.layers.find((each) => alike(layer, each))]);
  const ready = kind !== "picture" && Boolean(pairs[0][1]);
  for (const [layer, partner] of pairs) {
    layer.overlay.hidden = !ready || !partner;
    layer.image.hidden = layer !== tile.layers[0] && ready && !partner; // no picture among differences
  }
  tile.derived = null;
  tile.detail.textContent = "";
  if (!ready) { fillLegend(tile.legend, shownIn(tile).item.legend); return; }
  const sum = (data) => { let all = 0; for (let i = 0; i < data.length; i += 4) all += data[i] + data[i + 1] + data[i + 2]; return all; };
  const own = sum(pairs[0][0].data), factor = kind === "matched" && own > 0 ? sum(pairs[0][1].data) / own : 1;
  const difference = (a, b, i) => (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2])) / 765;
  for (const [layer, partner] of pairs.filter(([, each]) => each)) {
    const { width, height, data, overlay } = layer, theirs = partner.data;
    overlay.width = width; overlay.height = height;
    const context = overlay.getContext("2d"), out = context.createImageData(width, height);
    let all = 0;
    for (let i = 0; i < data.length; i += 4) {
      out.data[i + 3] = 255;
      if (kind === "matched") { for (let c = 0; c < 3; c++) out.data[i + c] = data[i + c] * factor; continue; }
      const value = difference(data, theirs, i), at = 3 * Math.min(255, Math.round(value / SCALE * 255));
      all += value;
      for (let c = 0; c < 3; c++) out.data[i + c] = palette[at + c];
    }
    context.putImageData(out, 0, 0);
    layer.derived = (i) => kind === "matched" ? [0, 1, 2].map((c) => out.data[i + c]).join(" ") : difference(data, theirs, i).toFixed(3);
    if (layer !== tile.layers[0]) continue;
    const name = against.selectedOptions[0] ? against.selectedOptions[0].text : "";
    tile.detail.textContent = kind === "matched" ? told.matched.replace("{factor}", factor.toFixed(2)).replace("{name}", name)
      : told.mean.replace("{value}", (all / (width * height)).toFixed(4));
  }
  tile.derived = true;
  fillLegend(tile.legend, kind === "matched" ? null : { css: told.colours, low: "0", high: "0.25" });
}
// True if two layers show the same part with the same pixels.
function alike(one, other) {
  return Boolean(one.data && other.data) && one.width === other.width && one.height === other.height &&
    ["left", "top", "width", "height"].every((side) => one.box[side] === other.box[side]);
}
function readAt(px, py) {
  for (const tile of tiles.values()) {
    // The topmost layer there.
    const inside = ({ box: { left, top, width, height }, data }) => data && px >= left && px < left + width && py >= top && py < top + height;
    const layer = [...tile.layers].reverse().find((each) => inside(each) && !(tile.derived && each.overlay.hidden)) || tile.layers[0];
    if (!layer.data) continue;
    const { width, height, box } = layer, within = (share, side) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
    const i = 4 * (within((py - box.top) / box.height, height) * width + within((px - box.left) / box.width, width));
    if (tile.derived) tile.value.textContent = layer.derived(i);
    else if (tile.floats) {
      const { floats, item: { values } } = tile;
      const start = (within(py, values.height) * values.width + within(px, values.width)) * values.channels;
      tile.value.textContent = [...floats.subarray(start, start + values.channels)].map((value) => value.toPrecision(4)).join(" ");
    } else tile.value.textContent = layer.data[i] + " " + layer.data[i + 1] + " " + layer.data[i + 2];
  }
  where.textContent = "x " + (px * 100).toFixed(1) + " %, y " + (py * 100).toFixed(1) + " %";
}
function read(event) {
  const spot = stage.under(...stage.locate(event.currentTarget, event));
  if (spot.every((share) => 0 <= share && share < 1)) readAt(...spot);
}
const drawingOn = () => drawing.getAttribute("aria-pressed") === "true";
function setLine(next, done) {
  line = next.map((value) => Math.min(1, Math.max(0, value)));
  draw();
  if (!done) return;
  clearTimeout(linePending);
  linePending = setTimeout(() => { props.value = { ...props.value, line }; trigger("select"); }, 120);
}
function add(item) {
  const row = document.createElement("li");
  row.className = "lx-tile";
  row.innerHTML = '<div class="lx-tile-frame" tabindex="0" role="group"><svg aria-hidden="true"><line visibility="hidden"/></svg></div>' +
    '<div class="lx-tile-foot"><kbd hidden></kbd><strong></strong><span class="lx-note"></span><span class="lx-note lx-tile-follows" role="status" hidden></span>' +
    '<span class="lx-note lx-tile-whole" hidden></span><span class="lx-note lx-detail"></span><code></code><button type="button" class="lx-enlarge" aria-pressed="false" hidden>⤢</button></div>' +
    '<div class="lx-legend" hidden><span></span><i></i><span></span></div>';
  const part = (name) => row.querySelector(name);
  const tile = {
    item, row, layers: [], frame: part(".lx-tile-frame"), title: part("strong"), number: part("kbd"), note: part(".lx-note"), detail: part(".lx-detail"),
    value: part("code"), legend: part(".lx-legend"), line: part("line"), follows: part(".lx-tile-follows"), whole: part(".lx-tile-whole"), stand: null,
  };
  tile.follows.textContent = told.follows; tile.whole.textContent = told.whole;
  const larger = part(".lx-enlarge");
  for (const each of [larger, tile.number]) each.hidden = !features.has("compare");
  larger.setAttribute("aria-label", told.enlarge);
  larger.title = told.enlarge;
  if (features.has("compare")) tile.frame.title = told.keys;
  larger.addEventListener("click", () => enlarge(tile, !row.classList.contains("lx-large")));
  tile.frame.addEventListener("pointerenter", () => { under = tile; });
  tile.frame.addEventListener("pointerleave", () => { if (under === tile) under = null; });
  const place = (event) => stage.under(...stage.locate(tile.frame, event));
  let from = null, before = null;
  tile.frame.addEventListener("pointerdown", (event) => {
    if (!drawingOn() || event.button !== 0) return;
    event.stopImmediatePropagation(); event.preventDefault();
    tile.frame.setPointerCapture(event.pointerId);
    from = place(event); before = line;
  });
  tile.frame.addEventListener("pointermove", (event) => {
    if (!from) return;
    setLine([...from, ...place(event)], false);
  });
  tile.frame.addEventListener("pointerup", (event) => {
    if (!from) return;
    const to = place(event);
    if (Math.hypot(to[0] - from[0], to[1] - from[1]) * stage.zoom > 0.02) setLine([...from, ...to], true);
    else { line = before; draw(); }
    from = null;
  });
  stage.listen(tile.frame);
  tile.frame.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] };
    if (drawingOn() && moves[event.key]) {
      const [dx, dy] = moves[event.key].map((share) => share / stage.zoom), at = line || [0, 0.5, 1, 0.5];
      setLine([at[0] + dx, at[1] + dy, at[2] + dx, at[3] + dy], true);
      event.preventDefault();
    } else stage.keys(event);
  });
  tile.frame.addEventListener("pointermove", read);
  tile.frame.addEventListener("focus", () => { if (!where.textContent) readAt(stage.x, stage.y); });
  tiles.set(item.id, tile);
  return tile;
}
// The picture of a tile, or a sharper layer over it, with its values once they have arrived.
function layerOf(tile, index) {
  if (tile.layers[index]) return tile.layers[index];
  const layer = { image: document.createElement("img"), overlay: document.createElement("canvas"), box: {}, across: 0, data: null };
  layer.image.draggable = false; layer.image.alt = "";
  layer.overlay.hidden = true; layer.overlay.setAttribute("aria-hidden", "true");
  tile.frame.insertBefore(layer.image, tile.line.ownerSVGElement);
  tile.frame.insertBefore(layer.overlay, tile.line.ownerSVGElement);
  layer.image.addEventListener("load", () => {
    const canvas = document.createElement("canvas"), { image } = layer;
    const width = canvas.width = image.naturalWidth, height = canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    Object.assign(layer, { width, height, data: context.getImageData(0, 0, width, height).data, ...layer.next });
    if (!index) tile.frame.style.setProperty("--aspect", width / height);
    draw();
    if (mode.value !== "picture") for (const each of tiles.values()) derive(each);
  });
  tile.layers[index] = layer;
  return layer;
}
const WHOLE = { left: 0, top: 0, width: 1, height: 1 };
// Puts a tile's pictures into its frame: its own, or those of the tile that replaces it.
function fill(tile) {
  const { item } = shownIn(tile);
  const wanted = [{ ...WHOLE, src: item.src, across: item.across || Infinity }, ...(item.sharper || [])];
  wanted.forEach(({ src, across, left, top, width, height }, index) => {
    const layer = layerOf(tile, index);
    if (layer.image.getAttribute("src") === src) return;
    // Its position changes with its pixels, which arrive later.
    layer.next = { across, box: { left, top, width, height } };
    if (!layer.data) Object.assign(layer, layer.next);
    layer.image.src = src;
  });
  for (const { image, overlay } of tile.layers.splice(wanted.length)) { image.remove(); overlay.remove(); }
}
function enlarge(tile, on) {
  for (const each of tiles.values()) {
    each.row.classList.toggle("lx-large", on && each === tile);
    each.row.querySelector(".lx-enlarge").setAttribute("aria-pressed", String(on && each === tile));
  }
  if (on) tile.row.scrollIntoView({ block: "nearest" });
  draw();
}
// The number keys show another picture in the tile under the pointer, or else in the enlarged one.
document.addEventListener("keydown", (event) => {
  if (!element.isConnected || !features.has("compare") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  const all = [...tiles.values()], large = all.find((tile) => tile.row.classList.contains("lx-large"));
  const tile = under || all.find((each) => each.frame === document.activeElement) || large;
  if (!tile || !tile.frame.checkVisibility()) return;
  if (event.key === "Escape" && large) return enlarge(large, false);
  const id = /^[1-9]$/.test(event.key) && order.filter((each) => tiles.has(each))[Number(event.key) - 1];
  if (!id) return;
  event.preventDefault();
  tile.stand = id === tile.item.id ? null : id;
  fill(tile); name(); draw();
});
async function loadValues(tile) {
  const { values } = tile.item;
  if (!values) { tile.floats = null; tile.valuesFrom = null; return; }
  if (tile.valuesFrom === values.src) return;
  tile.valuesFrom = values.src;
  const answer = await fetch(values.src);
  if (answer.ok && tile.valuesFrom === values.src) tile.floats = new Float32Array(await answer.arrayBuffer());
}
function render() {
  const value = props.value || { tiles: [] };
  if (value.batch === batch && value.serial < latest.serial) return;
  latest = value;
  if (value.batch !== batch) {
    batch = value.batch; wanted = ""; list.replaceChildren(); tiles.clear(); order = [];
    if (!value.keep) { stage.reset(); line = null; }
  }
  if (value.line) line = value.line;
  empty.hidden = value.tiles.length > 0;
  toolbar.hidden = !empty.hidden;
  for (const item of value.tiles) {
    const tile = tiles.get(item.id) || add(item);
    tile.item = item;
    if (!order.includes(item.id)) order.push(item.id);
    fill(tile);
    fillLegend(tile.legend, item.legend);
    loadValues(tile);
  }
  for (const tile of tiles.values()) if (tile.stand) fill(tile);
  find(".lx-one").hidden = !value.size;
  list.style.setProperty("--columns", value.columns || "");
  list.classList.toggle("lx-columns", Boolean(value.columns));
  name();
  draw();
  if (mode.value !== "picture") for (const tile of tiles.values()) derive(tile);
}
function shuffle() {
  // The order must not reveal the names.
  const open = order.filter((id) => tiles.get(id)?.item.open), rest = order.filter((id) => !open.includes(id));
  for (let i = rest.length - 1; i > 0; i--) { const j = Math.floor(Math.random() * (i + 1)); [rest[i], rest[j]] = [rest[j], rest[i]]; }
  order = [...open, ...rest];
}
blind.addEventListener("click", () => {
  hidden = !hidden;
  if (hidden) shuffle(); else order = (props.value ? props.value.tiles : []).map((item) => item.id);
  name();
});
for (const select of [mode, against]) select.addEventListener("change", () => { for (const tile of tiles.values()) derive(tile); });
mode.addEventListener("change", () => { find(".lx-against-pick").classList.toggle("lx-off", mode.value === "picture"); });
find(".lx-against-pick").classList.add("lx-off");
drawing.addEventListener("click", () => {
  const on = !drawingOn();
  drawing.setAttribute("aria-pressed", String(on));
  element.classList.toggle("lx-drawing", on);
  if (on && !line) setLine([0, 0.5, 1, 0.5], true);
});
wireZoom(stage, element);
find(".lx-one").addEventListener("click", () => { stage.reach(1 / fitted()); stage.set(1 / fitted(), stage.x, stage.y); });
new ResizeObserver(() => { if (tiles.size && latest.size) stage.reach(1 / fitted()); draw(); }).observe(list);
watch("value", render);
render();
