// Pictures side by side: one zoom and pan for all, the values under the pointer in every tile at once, differences
// against any of them, a profile line, and names that can be hidden.
const find = (name) => element.querySelector(name);
const told = find(".lx-tiles").dataset; // in the markup, which is whole even where a value comes before the tab is seen
const list = find(".lx-tile-list"), toolbar = find(".lx-toolbar"), empty = find(".lx-empty"), mode = find(".lx-mode");
const blind = find(".lx-only-blind"), where = find(".lx-where"), zoomText = find(".lx-zoom"), against = find(".lx-against");
const drawing = find(".lx-draw");
const tiles = new Map();
const stage = makeStage(() => draw());
const features = new Set(told.features.split(" "));
for (const name of ["compare", "blind", "line"])
  for (const part of element.querySelectorAll(".lx-only-" + name)) part.hidden = !features.has(name);
let hidden = false, batch = null, order = [], line = null, linePending = null;

// 256 colours of the palette from the stops that the server gives.
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

function draw() {
  for (const tile of tiles.values()) {
    for (const layer of [tile.image, tile.overlay]) stage.lay(layer);
    tile.frame.classList.toggle("lx-zoomed", stage.zoom > 1);
    if (!line) { tile.line.setAttribute("visibility", "hidden"); continue; }
    tile.line.setAttribute("visibility", "visible");
    for (const end of [1, 2]) {
      const [u, v] = stage.seen(line[2 * end - 2], line[2 * end - 1]);
      tile.line.setAttribute("x" + end, u * 100 + "%"); tile.line.setAttribute("y" + end, v * 100 + "%");
    }
  }
  zoomText.textContent = Math.round(stage.zoom * 100) + " %";
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
    masks.set(id, shown);
    tile.title.textContent = shown;
    tile.frame.setAttribute("aria-label", shown);
    tile.image.alt = masked ? shown : tile.item.alt;
    tile.note.textContent = masked ? "" : tile.item.note || "";
    list.append(tile.row);
  }
  const kept = against.value;
  against.replaceChildren(...order.filter((id) => tiles.has(id)).map((id) => new Option(masks.get(id), id)));
  if (tiles.has(kept)) against.value = kept;
  else { const better = [...tiles.values()].find((tile) => tile.item.reference); if (better) against.value = better.item.id; }
  blind.setAttribute("aria-pressed", String(hidden));
  document.body.classList.toggle("lx-blinded", hidden && features.has("blind"));
}
// The picture under another light: a difference, or scaled to the other's mean.
function derive(tile) {
  const other = tiles.get(against.value), kind = features.has("compare") ? mode.value : "picture";
  const ready = kind !== "picture" && tile.pixels && other && other.pixels &&
    other.pixels.canvas.width === tile.pixels.canvas.width && other.pixels.canvas.height === tile.pixels.canvas.height;
  tile.overlay.hidden = !ready;
  tile.derived = null;
  tile.detail.textContent = "";
  if (!ready) { legend(tile, tile.item.legend); return; }
  const { width, height } = tile.pixels.canvas;
  const mine = tile.data, theirs = other.data;
  tile.overlay.width = width; tile.overlay.height = height;
  const context = tile.overlay.getContext("2d");
  const out = context.createImageData(width, height);
  if (kind === "difference") {
    const values = new Float32Array(width * height);
    let sum = 0;
    for (let i = 0, j = 0; i < mine.length; i += 4, j++) {
      const value = (Math.abs(mine[i] - theirs[i]) + Math.abs(mine[i + 1] - theirs[i + 1]) + Math.abs(mine[i + 2] - theirs[i + 2])) / 765;
      values[j] = value; sum += value;
      const at = 3 * Math.min(255, Math.round(value / SCALE * 255));
      out.data[i] = palette[at]; out.data[i + 1] = palette[at + 1]; out.data[i + 2] = palette[at + 2]; out.data[i + 3] = 255;
    }
    tile.derived = (x, y) => values[y * width + x].toFixed(3);
    tile.detail.textContent = told.mean.replace("{value}", (sum / values.length).toFixed(4));
    legend(tile, { css: told.colours, low: "0", high: "0.25" });
  } else {
    let own = 0, wanted = 0;
    for (let i = 0; i < mine.length; i += 4) { own += mine[i] + mine[i + 1] + mine[i + 2]; wanted += theirs[i] + theirs[i + 1] + theirs[i + 2]; }
    const factor = own > 0 ? wanted / own : 1;
    for (let i = 0; i < mine.length; i++) out.data[i] = i % 4 === 3 ? 255 : mine[i] * factor;
    tile.derived = (x, y) => { const i = 4 * (y * width + x); return [0, 1, 2].map((c) => out.data[i + c]).join(" "); };
    tile.detail.textContent = told.matched.replace("{factor}", factor.toFixed(2)).replace("{name}", against.selectedOptions[0] ? against.selectedOptions[0].text : "");
    legend(tile, null);
  }
  context.putImageData(out, 0, 0);
}
function legend(tile, value) {
  tile.legend.hidden = !value;
  if (!value) return;
  const [low, bar, high] = tile.legend.children;
  low.textContent = value.low; high.textContent = value.high; bar.style.background = value.css;
}
function readAt(px, py) {
  for (const tile of tiles.values()) {
    if (!tile.pixels) continue;
    const { width, height } = tile.pixels.canvas;
    const x = Math.min(width - 1, Math.max(0, Math.floor(px * width))), y = Math.min(height - 1, Math.max(0, Math.floor(py * height)));
    if (tile.derived) tile.value.textContent = tile.derived(x, y);
    else if (tile.floats) {
      const { floats, item: { values } } = tile;
      const u = Math.min(values.width - 1, Math.floor(px * values.width)), v = Math.min(values.height - 1, Math.floor(py * values.height));
      const start = (v * values.width + u) * values.channels;
      tile.value.textContent = [...floats.subarray(start, start + values.channels)].map((value) => value.toPrecision(4)).join(" ");
    } else { const i = 4 * (y * width + x); tile.value.textContent = tile.data[i] + " " + tile.data[i + 1] + " " + tile.data[i + 2]; }
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
  row.innerHTML = '<div class="lx-tile-frame" tabindex="0" role="group"><img draggable="false" alt=""><canvas hidden aria-hidden="true"></canvas>' +
    '<svg aria-hidden="true"><line visibility="hidden"/></svg></div>' +
    '<div class="lx-tile-foot"><strong></strong><span class="lx-note"></span><span class="lx-note lx-detail"></span><code></code></div><div class="lx-legend" hidden>' +
    '<span></span><i></i><span></span></div>';
  const part = (name) => row.querySelector(name);
  const tile = {
    item, row, image: part("img"), overlay: part("canvas"), frame: part(".lx-tile-frame"), title: part("strong"),
    note: part(".lx-note"), detail: part(".lx-detail"), value: part("code"), legend: part(".lx-legend"), line: part("line"),
  };
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
  tile.image.addEventListener("load", () => {
    const canvas = document.createElement("canvas");
    canvas.width = tile.image.naturalWidth; canvas.height = tile.image.naturalHeight;
    tile.pixels = canvas.getContext("2d", { willReadFrequently: true });
    tile.pixels.drawImage(tile.image, 0, 0);
    tile.data = tile.pixels.getImageData(0, 0, canvas.width, canvas.height).data;
    tile.frame.style.setProperty("--aspect", canvas.width / canvas.height);
    tile.frame.classList.toggle("lx-coarse", canvas.width < 200);
    if (mode.value !== "picture") for (const each of tiles.values()) derive(each);
  });
  tiles.set(item.id, tile);
  return tile;
}
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
  if (value.batch !== batch) {
    batch = value.batch; list.replaceChildren(); tiles.clear(); order = [];
    if (!value.keep) { stage.reset(); line = null; }
  }
  if (value.line) line = value.line;
  empty.hidden = value.tiles.length > 0;
  toolbar.hidden = !empty.hidden;
  for (const item of value.tiles) {
    const tile = tiles.get(item.id) || add(item);
    tile.item = item;
    if (!order.includes(item.id)) order.push(item.id);
    if (tile.image.getAttribute("src") !== item.src) tile.image.src = item.src;
    legend(tile, item.legend);
    loadValues(tile);
  }
  list.style.setProperty("--columns", value.columns || "");
  list.classList.toggle("lx-columns", Boolean(value.columns));
  name();
  draw();
  if (mode.value !== "picture") for (const tile of tiles.values()) derive(tile);
}
function shuffle() {
  // The order must not give the names away.
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
find(".lx-in").addEventListener("click", () => stage.zoomAt(1.5));
find(".lx-out").addEventListener("click", () => stage.zoomAt(1 / 1.5));
find(".lx-fit").addEventListener("click", () => stage.reset());
watch("value", render);
render();
