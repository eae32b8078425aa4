// Pictures in sequence: a sweep of ratios, or the epochs of a training.
const find = (name) => element.querySelector(name);
const figure = find("figure"), image = find("img"), step = find(".lx-step"), label = find(".lx-frame-label"), play = find(".lx-play");
let timer = null, batch = null, loaded = [];
function show(index) {
  const frame = props.value && props.value.frames[index];
  if (!frame) return;
  image.src = frame.src; image.alt = frame.alt;
  label.textContent = frame.label;
  step.value = index;
  step.setAttribute("aria-valuetext", frame.label);
}
function stop() { clearInterval(timer); timer = null; play.setAttribute("aria-pressed", "false"); }
function start() {
  stop();
  play.setAttribute("aria-pressed", "true");
  timer = setInterval(() => {
    if (!element.isConnected) return stop();
    show((Number(step.value) + 1) % props.value.frames.length);
  }, props.value.milliseconds || 500);
}
function render() {
  const frames = props.value ? props.value.frames : [];
  find(".lx-empty").hidden = frames.length > 0;
  figure.hidden = !frames.length;
  if (!frames.length) { stop(); return; }
  step.max = frames.length - 1;
  if (props.value.batch !== batch) {
    batch = props.value.batch; stop();
    show(props.value.start ?? frames.length - 1);
  }
  // Fetched in advance, so that the animation does not flicker.
  loaded = frames.map((frame) => { const each = new Image(); each.src = frame.src; return each; });
}
step.addEventListener("input", () => { stop(); show(Number(step.value)); });
play.addEventListener("click", () => { if (timer) stop(); else start(); });
watch("value", render);
render();
