// Pictures side by side: one zoom and pan for all, and the values under the pointer in every tile at once.
const find = (name) => element.querySelector(name);
const list = find(".lx-tile-list"), toolbar = find(".lx-toolbar"), empty = find(".lx-empty");
const blind = find(".lx-blind"), where = find(".lx-where"), zoomText = find(".lx-zoom");
const tiles = new Map();
const stage = makeStage(() => draw());
let hidden = false, batch = null;
blind.hidden = !props.can_blind;

function draw() {
  for (const tile of tiles.values()) tile.image.style.transform = stage.transform();
  zoomText.textContent = Math.round(stage.zoom * 100) + " %";
}
function name() {
  let letter = 64;
  tiles.forEach((tile) => {
    const masked = hidden && !tile.item.open;
    const shown = masked ? String.fromCharCode(++letter) : tile.item.title;
    tile.title.textContent = shown;
    tile.frame.setAttribute("aria-label", shown);
    tile.image.alt = masked ? shown : tile.item.alt;
    tile.note.textContent = masked ? "" : tile.item.note || "";
  });
  blind.setAttribute("aria-pressed", String(hidden));
}
function read(event) {
  const first = event.currentTarget;
  const spot = stage.locate(first, event);
  if (spot.px < 0 || spot.py < 0 || spot.px >= 1 || spot.py >= 1) return;
  for (const tile of tiles.values()) {
    if (!tile.pixels) continue;
    const x = Math.floor(spot.px * tile.pixels.canvas.width), y = Math.floor(spot.py * tile.pixels.canvas.height);
    const [red, green, blue] = tile.pixels.getImageData(x, y, 1, 1).data;
    tile.value.textContent = red + " " + green + " " + blue;
  }
  where.textContent = "x " + (spot.px * 100).toFixed(1) + " %, y " + (spot.py * 100).toFixed(1) + " %";
}
function add(item) {
  const row = document.createElement("li");
  row.className = "lx-tile";
  row.innerHTML = '<div class="lx-tile-frame" tabindex="0" role="group"><img draggable="false" alt=""></div>' +
    '<div class="lx-tile-foot"><strong></strong><span class="lx-note"></span><code></code></div><div class="lx-legend" hidden>' +
    '<span></span><i></i><span></span></div>';
  const tile = {
    row, image: row.querySelector("img"), frame: row.querySelector(".lx-tile-frame"), title: row.querySelector("strong"),
    note: row.querySelector(".lx-note"), value: row.querySelector("code"), legend: row.querySelector(".lx-legend"),
  };
  stage.pannable(tile.frame);
  tile.frame.addEventListener("keydown", (event) => stage.keys(event));
  tile.frame.addEventListener("pointermove", read);
  tile.image.addEventListener("load", () => {
    const canvas = document.createElement("canvas");
    canvas.width = tile.image.naturalWidth; canvas.height = tile.image.naturalHeight;
    tile.pixels = canvas.getContext("2d", { willReadFrequently: true });
    tile.pixels.drawImage(tile.image, 0, 0);
    tile.frame.style.setProperty("--aspect", canvas.width / canvas.height);
  });
  list.append(row);
  tiles.set(item.id, tile);
  return tile;
}
function render() {
  const value = props.value || { tiles: [] };
  if (value.batch !== batch) { batch = value.batch; list.replaceChildren(); tiles.clear(); stage.reset(); }
  empty.hidden = value.tiles.length > 0;
  toolbar.hidden = !empty.hidden;
  for (const item of value.tiles) {
    const tile = tiles.get(item.id) || add(item);
    tile.item = item;
    if (tile.image.getAttribute("src") !== item.src) tile.image.src = item.src;
    tile.legend.hidden = !item.legend;
    if (item.legend) {
      const [low, bar, high] = tile.legend.children;
      low.textContent = item.legend.low; high.textContent = item.legend.high; bar.style.background = item.legend.css;
    }
  }
  name();
  draw();
}
blind.addEventListener("click", () => { hidden = !hidden; name(); });
find(".lx-in").addEventListener("click", () => stage.zoomAt(1.5, 0.5, 0.5));
find(".lx-out").addEventListener("click", () => stage.zoomAt(1 / 1.5, 0.5, 0.5));
find(".lx-fit").addEventListener("click", () => stage.reset());
watch("value", render);
render();
