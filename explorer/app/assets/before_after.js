const find = (name) => element.querySelector(name);
const frame = find(".lx-frame"), before = find(".lx-before"), after = find(".lx-after"), split = find(".lx-split");
const badge = find(".lx-badge"), choice = find(".lx-choice"), empty = find(".lx-empty"), zoomText = find(".lx-zoom");
const details = [...element.querySelectorAll(".lx-detail")];
const dropper = find(".lx-dropper"), point = find(".lx-point");
const left = new Set();
const follows = find(".lx-follows"), navigator_ = find(".lx-navigator");
let shown = null, turn = 0, picking = false, wantsOne = false, asking = null, awaited = 0, settled = "", latest = null;
const stage = makeStage(() => draw(), { exact: frame });
const divider = makeDivider(frame, stage);

// Screen pixels per photo pixel when the whole picture is visible.
function fitted() {
  const value = props.value;
  return value && value.size ? frame.getBoundingClientRect().width * devicePixelRatio / value.size[0] : 1;
}
function draw() {
  const value = props.value, scale = stage.zoom * fitted();
  for (const image of [before, after]) stage.lay(image);
  if (value && value.detail) for (const image of details) stage.lay(image, value.detail);
  stage.lay(clipped[0]);
  if (value && value.detail) stage.lay(clipped[1], value.detail);
  frame.classList.toggle("lx-zoomed", stage.zoom > 1);
  frame.classList.toggle("lx-coarse", scale >= 3);
  navigate();
  zoomText.textContent = Math.round(scale * 100) + " %";
  if (value) badge.textContent = value.detail && stage.holds(value.detail) ? value.detail.badge : (scale > 0.999 && value.own) || value.badge;
  const at = value && value.point;
  point.hidden = !at;
  if (at) {
    const [u, v] = stage.seen((at[0] + 0.5) / value.size[0], (at[1] + 0.5) / value.size[1]);
    point.style.left = u * 100 + "%";
    point.style.top = v * 100 + "%";
  }
  clearTimeout(asking);
  asking = setTimeout(askDetail, 200);
}
// Once the view rests, its content is fetched at the screen's sharpness: the whole picture, or a window of it.
function askDetail() {
  const value = props.value;
  if (!value || !value.size || frame.hidden || !frame.clientWidth) return;
  const { across, ...look } = stage.look(frame, value.size), [width, height] = value.size, longer = Math.max(1, height / width);
  const short = value.overview + 1 < Math.min(across, width);
  // A model that needs the whole picture has no windows.
  const limited = !value.full && !value.windows && (value.overview + 1) * longer >= Math.min(value.sharpest, Math.max(width, height));
  find(".lx-whole").hidden = !(short && limited);
  if (!short || limited || (value.full && stage.zoom <= 1)) return;
  const asked = JSON.stringify([value.revision, value.full, look.need, ...look.window.map((share) => share.toFixed(5))]);
  if (asked === settled) return;
  // One question at a time; after its answer, only the latest question counts.
  if (performance.now() < awaited) return;
  awaited = performance.now() + 60000;
  follows.hidden = false;
  props.value = { ...value, ...look, asked };
  trigger("input");
}
// A small overview of the whole picture with the visible part marked: next to the frame if there is room, otherwise
// below.
function navigate() {
  const value = props.value, free = (element.clientWidth - frame.clientWidth) / 2;
  navigator_.hidden = !value || stage.zoom <= 1;
  if (navigator_.hidden) return;
  navigator_.classList.toggle("lx-beside", free >= 84);
  navigator_.style.setProperty("--free", free + "px");
  const small = navigator_.querySelector("img"), seen = navigator_.querySelector("i").style;
  if (small.getAttribute("src") !== value.after.src) small.src = value.after.src;
  const [left, top] = stage.under(0, 0), [right, bottom] = stage.under(1, 1);
  for (const [name, share] of Object.entries({ left, top, width: right - left, height: bottom - top })) seen[name] = share * 100 + "%";
}
for (const name of ["pointerdown", "pointermove"]) navigator_.addEventListener(name, (event) => {
  if (name === "pointerdown") navigator_.setPointerCapture(event.pointerId);
  else if (!navigator_.hasPointerCapture(event.pointerId)) return;
  event.preventDefault();
  stage.set(stage.zoom, ...stage.locate(navigator_, event));
});
async function load(image, src, alt) {
  image.alt = alt;
  if (image.getAttribute("src") === src) return;
  const next = new Image();
  next.src = src;
  try { await next.decode(); } catch (problem) { /* the old picture stays until a newer one has arrived */ return; }
  return () => { image.src = src; };
}
async function render() {
  const value = props.value;
  // A late answer to a question about an older picture, which must not replace the newer one.
  const other = latest && value && (value.photo !== latest.photo || value.revision !== latest.revision);
  if (other && value.answered && value.answered === value.asked && !left.has(value.answered)) {
    left.add(value.answered); // once, because a value that is set here may come back before it has arrived
    props.value = latest;
    return;
  }
  const mine = ++turn;
  if (!value || !latest || other) awaited = 0;
  else if (value.answered && value.answered === value.asked) { awaited = 0; settled = value.answered; }
  latest = value;
  follows.hidden = performance.now() >= awaited;
  empty.hidden = Boolean(value && value.after);
  frame.hidden = !empty.hidden;
  if (!value || !value.after) return;
  const kind = Math.min(Number(choice.value || 0), value.before.length - 1);
  choice.replaceChildren(...value.before.map((item, index) => new Option(item.label, index, false, index === kind)));
  choice.value = kind;
  const side = value.before[kind], detail = value.detail;
  const loads = [load(before, side.src, side.alt), load(after, value.after.src, value.after.alt)];
  if (detail) loads.push(load(details[1], detail.before[kind], ""), load(details[0], detail.after, ""));
  const swaps = await Promise.all(loads);
  if (mine !== turn) return;
  swaps.forEach((swap) => swap && swap());
  for (const each of details) each.hidden = !detail;
  clip();
  stage.aspect = value.size[0] / value.size[1];
  for (const each of [find(".lx-viewer"), element.closest(".lx-stage")]) if (each) each.style.setProperty("--aspect", stage.aspect);
  find(".lx-tag-before").textContent = side.label;
  dropper.hidden = !value.pick;
  if (!value.pick) pick(false);
  if (shown !== value.photo) { shown = value.photo; divider.set(50); stage.reset(); }
  element.dataset.revision = value.revision;
  if (wantsOne && value.full) { wantsOne = false; oneToOne(); }
  draw();
}
// Marks the restored picture's pixels that have a clipped channel or are black.
const clipping = find(".lx-clipping"), clipped = [...element.querySelectorAll(".lx-clipped")];
function clip() {
  const on = clipping.getAttribute("aria-pressed") === "true";
  [after, details[0]].forEach((image, k) => {
    const canvas = clipped[k];
    canvas.hidden = !on || image.hidden || !image.naturalWidth;
    if (canvas.hidden) return;
    const width = canvas.width = image.naturalWidth, height = canvas.height = image.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const marks = context.getImageData(0, 0, width, height), { data } = marks;
    for (let i = 0; i < data.length; i += 4) {
      const bright = Math.max(data[i], data[i + 1], data[i + 2]) === 255, dark = !(data[i] || data[i + 1] || data[i + 2]);
      data.set(bright ? [255, 0, 0, 255] : dark ? [0, 80, 255, 255] : k ? [data[i], data[i + 1], data[i + 2], 255] : [0, 0, 0, 0], i);
    }
    context.putImageData(marks, 0, 0);
  });
}
clipping.addEventListener("click", () => {
  clipping.setAttribute("aria-pressed", String(clipping.getAttribute("aria-pressed") !== "true"));
  clip();
});
for (const image of [after, details[0]]) image.addEventListener("load", clip);
// Holding B shows the photo before, wherever the divider is.
let held = null, pointed = false;
frame.addEventListener("pointerenter", () => { pointed = true; });
frame.addEventListener("pointerleave", () => { pointed = false; });
const release = () => { if (held !== null) { divider.set(held); held = null; } };
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "b" || event.ctrlKey || event.metaKey || event.altKey || held !== null) return;
  if (!element.isConnected || !(pointed || frame.contains(document.activeElement))) return;
  if (event.target !== split && event.target.closest("input, select, textarea, [contenteditable]")) return;
  held = divider.share;
  divider.set(100);
});
document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "b") release(); });
addEventListener("blur", release);
function oneToOne() {
  stage.reach(1 / fitted());
  stage.set(1 / fitted(), stage.x, stage.y);
}
function pick(on) {
  picking = on;
  dropper.setAttribute("aria-pressed", String(on));
  frame.classList.toggle("lx-picking", on);
}
// Runs before the divider and panning see the event, so that a click only picks a point.
frame.addEventListener("pointerdown", (event) => {
  if (!picking || event.button !== 0) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const [x, y] = stage.under(...stage.locate(frame, event)), [width, height] = props.value.size;
  const place = (share, side) => Math.min(side - 1, Math.max(0, Math.floor(share * side)));
  pick(false);
  props.value = { ...props.value, picked: [place(x, width), place(y, height)] };
  trigger("select");
}, true);
element.addEventListener("keydown", (event) => { if (event.key === "Escape") pick(false); });
document.addEventListener("lx-pick", (event) => { if (element.isConnected) pick(event.detail && Boolean(props.value && props.value.pick)); });
choice.addEventListener("change", render);
dropper.addEventListener("click", () => pick(!picking));
wireZoom(stage, element);
find(".lx-one").addEventListener("click", () => {
  const value = props.value;
  if (value.full || value.windows || value.overview >= value.size[0]) oneToOne();
  else { wantsOne = true; trigger("submit"); }
});
new ResizeObserver(() => { stage.reach(1 / fitted()); draw(); }).observe(frame);
watch("value", render);
render();
