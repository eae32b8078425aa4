const find = (name) => element.querySelector(name);
const frame = find(".lx-frame"), before = find(".lx-before"), after = find(".lx-after"), split = find(".lx-split");
const badge = find(".lx-badge"), choice = find(".lx-choice"), empty = find(".lx-empty"), zoomText = find(".lx-zoom");
let shown = null, turn = 0;
const stage = makeStage(() => draw());

function draw() {
  for (const image of [before, after]) image.style.transform = stage.transform();
  frame.classList.toggle("lx-zoomed", stage.zoom > 1);
  zoomText.textContent = Math.round(stage.zoom * 100) + " %";
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
  empty.hidden = Boolean(value && value.after);
  frame.hidden = !empty.hidden;
  if (!value || !value.after) return;
  const kind = Math.min(Number(choice.value || 0), value.before.length - 1);
  choice.replaceChildren(...value.before.map((item, index) => new Option(item.label, index, false, index === kind)));
  choice.value = kind;
  const side = value.before[kind];
  const swaps = await Promise.all([load(before, side.src, side.alt), load(after, value.after.src, value.after.alt)]);
  if (mine !== turn) return;
  swaps.forEach((swap) => swap && swap());
  frame.style.setProperty("--aspect", value.width / value.height);
  badge.textContent = value.badge;
  find(".lx-tag-before").textContent = side.label;
  if (shown !== value.photo) { shown = value.photo; divide(50); stage.reset(); }
  element.dataset.revision = value.revision;
  draw();
}
stage.pannable(frame, { onDrag: (event) => divide(stage.locate(frame, event).u * 100) });
const handle = find(".lx-handle");
handle.addEventListener("pointerdown", (event) => { event.stopPropagation(); handle.setPointerCapture(event.pointerId); });
handle.addEventListener("pointermove", (event) => {
  if (handle.hasPointerCapture(event.pointerId)) divide(stage.locate(frame, event).u * 100);
});
split.addEventListener("input", () => divide(Number(split.value)));
split.addEventListener("keydown", (event) => {
  if (["+", "=", "-", "0"].includes(event.key)) stage.keys(event);
});
choice.addEventListener("change", render);
find(".lx-in").addEventListener("click", () => stage.zoomAt(1.5, 0.5, 0.5));
find(".lx-out").addEventListener("click", () => stage.zoomAt(1 / 1.5, 0.5, 0.5));
find(".lx-fit").addEventListener("click", () => stage.reset());
watch("value", render);
divide(50);
render();
