const find = (name) => element.querySelector(name);
const frame = find(".lx-frame"), before = find(".lx-before"), after = find(".lx-after"), split = find(".lx-split");
const badge = find(".lx-badge"), choice = find(".lx-choice"), empty = find(".lx-empty"), zoomText = find(".lx-zoom");
const details = [...element.querySelectorAll(".lx-detail")];
const dropper = find(".lx-dropper"), point = find(".lx-point");
let shown = null, turn = 0, picking = false, wantsOne = false, asking = null, awaited = 0, answered = "";
const stage = makeStage(() => draw(), { exact: frame });

// Pixels of the screen for one pixel of the photo, where the whole picture is seen.
function fitted() {
  const value = props.value;
  return value && value.size ? frame.getBoundingClientRect().width * devicePixelRatio / value.size[0] : 1;
}
function draw() {
  const value = props.value, scale = stage.zoom * fitted();
  for (const image of [before, after]) stage.lay(image);
  if (value && value.detail) for (const image of details) stage.lay(image, value.detail);
  frame.classList.toggle("lx-zoomed", stage.zoom > 1);
  frame.classList.toggle("lx-coarse", scale >= 3);
  zoomText.textContent = Math.round(scale * 100) + " %";
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
// What the first pictures of a full result are too coarse for is fetched for the window that is seen.
function askDetail() {
  const value = props.value;
  if (!value || !value.full || value.overview >= value.width || stage.zoom <= 1) return;
  if (stage.zoom * fitted() * value.size[0] <= value.overview) return;
  const window_ = [...stage.under(0, 0), ...stage.under(1, 1)];
  if (value.detail && window_.every((share, k) => Math.abs(share - value.detail.window[k]) < 1e-5)) return;
  // One question at a time: an answer takes the place of a question that was put meanwhile.
  if (performance.now() < awaited) return;
  awaited = performance.now() + 10000;
  // Half again as many pixels as the screen has: a window that is larger than that comes reduced.
  const side = Math.ceil(1.5 * devicePixelRatio * Math.max(frame.clientWidth, frame.clientHeight));
  props.value = { ...value, window: window_, side };
  trigger("input");
}
function divide(share) {
  const value = Math.min(100, Math.max(0, share));
  split.value = value;
  frame.style.setProperty("--split", value + "%");
  split.setAttribute("aria-valuetext", Math.round(value) + " percent before, " + Math.round(100 - value) + " percent after");
}
async function load(image, src, alt) {
  image.alt = alt;
  if (image.getAttribute("src") === src) return;
  const next = new Image();
  next.src = src;
  try { await next.decode(); } catch (problem) { /* the old picture stays until a newer one has come */ return; }
  return () => { image.src = src; };
}
async function render() {
  const value = props.value;
  const mine = ++turn;
  const answer = value && value.revision + (value.detail ? value.detail.after : "");
  if (answer !== answered) { answered = answer; awaited = 0; }
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
  stage.aspect = value.width / value.height;
  find(".lx-viewer").style.setProperty("--aspect", stage.aspect);
  badge.textContent = value.badge;
  find(".lx-tag-before").textContent = side.label;
  dropper.hidden = !value.pick;
  if (!value.pick) pick(false);
  if (shown !== value.photo) { shown = value.photo; divide(50); stage.reset(); }
  element.dataset.revision = value.revision;
  if (wantsOne && value.full) { wantsOne = false; oneToOne(); }
  draw();
}
function oneToOne() {
  stage.reach(1 / fitted());
  stage.set(1 / fitted(), stage.x, stage.y);
}
function pick(on) {
  picking = on;
  dropper.setAttribute("aria-pressed", String(on));
  frame.classList.toggle("lx-picking", on);
}
// Before the divider and the panning see it: a click is then a choice of a place and nothing else.
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
const drag = (event) => divide(stage.locate(frame, event)[0] * 100);
stage.listen(frame, drag);
const handle = find(".lx-handle");
handle.addEventListener("pointerdown", (event) => { event.stopPropagation(); handle.setPointerCapture(event.pointerId); });
handle.addEventListener("pointermove", (event) => {
  if (handle.hasPointerCapture(event.pointerId)) drag(event);
});
split.addEventListener("input", () => divide(Number(split.value)));
frame.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  // The divider's own arrows move it; with Shift, or where the frame itself has the focus, they move the picture.
  if (event.key.startsWith("Arrow") && event.target === split && !event.shiftKey) return;
  if (!stage.keys(event) && step) divide(Number(split.value) + step);
});
choice.addEventListener("change", render);
dropper.addEventListener("click", () => pick(!picking));
find(".lx-in").addEventListener("click", () => stage.zoomAt(1.5));
find(".lx-out").addEventListener("click", () => stage.zoomAt(1 / 1.5));
find(".lx-fit").addEventListener("click", () => stage.reset());
find(".lx-one").addEventListener("click", () => {
  if (props.value.full) oneToOne();
  else { wantsOne = true; trigger("submit"); }
});
new ResizeObserver(() => { stage.reach(1 / fitted()); draw(); }).observe(frame);
watch("value", render);
divide(50);
render();
