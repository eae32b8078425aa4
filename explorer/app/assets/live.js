const find = (name) => element.querySelector(name);
const video = find("video"), frame = find(".lx-frame"), empty = find(".lx-empty");
const before = find(".lx-before"), after = find(".lx-after"), start = find(".lx-live-start"), freeze = find(".lx-live-freeze");
const record = find(".lx-live-record"), range = find(".lx-ratio-range"), shown = find("output"), auto = find(".lx-live-auto input");
const stage = makeStage(() => {
  for (const each of [before, after]) stage.lay(each);
  frame.classList.toggle("lx-zoomed", stage.zoom > 1);
});
const state = find(".lx-live-state"), slow = find(".lx-live-slow"), clip = find(".lx-download");
const HIGH = 300, STEPS = 1000, LARGEST = 640, SECOND = 1000, QUICK = 0.08;
const page = Math.random().toString(36).slice(2);
let run = 0, model = "", side = LARGEST, last = null, times = [], delays = [], told = 0, camera = null, recorder = null, count = 0, grabbed = null;

const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const filled = (words, values) => (words || "").replace(/\{(\w+)\}/g, (_, name) => values[name]);
const say = (words) => { if (state.textContent !== words) state.textContent = words; };
function showRatio(ratio) {
  const share = Math.log(ratio) / Math.log(HIGH);
  range.value = Math.round(share * STEPS);
  range.style.setProperty("--fill", share * 100 + "%");
  shown.textContent = "×" + Number(ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : ratio.toFixed(0));
}
const ratio = () => Math.pow(HIGH, range.value / STEPS);
// Waits for a new camera frame, if the browser reports them. A camera without frames must not prevent stopping.
const newFrame = () => Promise.race([pause(SECOND), new Promise((done) => {
  if (video.requestVideoFrameCallback) video.requestVideoFrameCallback((_, frame) => done(frame.presentedFrames));
  else requestAnimationFrame(() => done(video.currentTime));
})]);
const asJpeg = (canvas, quality) => new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
function grab(canvas, most) {
  const scale = Math.min(1, most / Math.max(video.videoWidth, video.videoHeight));
  canvas.width = Math.max(1, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(1, Math.round(video.videoHeight * scale));
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
}
function question(now) {
  const asked = new URLSearchParams({ page, model, ratio: auto.checked ? "auto" : ratio() });
  // The server follows the light from the previous frame, if that was restored by the same rule.
  if (auto.checked && last && last.model === model) { asked.set("last", last.ratio); asked.set("elapsed", (now - last.at) / SECOND); }
  return "gradio_api/live?" + asked;
}
// One frame at a time per lane, always the newest; frames in between are skipped.
async function step(mine, taken) {
  if (!model || !frame.parentElement.getClientRects().length) { await pause(200); return; }
  const number = await newFrame();
  if (mine !== run || !video.videoWidth || number === undefined || number === grabbed) return;
  grabbed = number;
  const now = performance.now(), asked = model;
  grab(taken, side);
  const sent = await asJpeg(taken, 0.9);
  const answer = await fetch(question(now), { method: "POST", body: sent, headers: { "Content-Type": "image/jpeg" } });
  if (mine !== run) return;
  if (!answer.ok) {
    if (answer.status === 409) return;
    const said = await answer.json().catch(() => ({}));
    say(said.error || props.words_gone);
    await pause(SECOND * Math.min(5, Number(answer.headers.get("retry-after")) || 1));
    return;
  }
  const facts = JSON.parse(answer.headers.get("x-live"));
  const picture = await createImageBitmap(await answer.blob());
  if (mine !== run || (last && now < last.at)) return;
  draw(taken, picture, facts, now, asked);
}
// While a frame is in transfer or in the browser, the server would be idle. If it is fast, a second frame is under way
// meanwhile; it waits for its turn, but still appears within a fifth of a second.
async function lane(mine, second) {
  const taken = document.createElement("canvas");
  while (mine === run && element.isConnected) {
    if (second && !(last && last.seconds < QUICK)) await pause(100);
    else try { await step(mine, taken); } catch (problem) { if (mine === run) say(props.words_gone); await pause(SECOND); }
  }
}
function draw(taken, picture, facts, now, asked) {
  for (const [canvas, source] of [[before, taken], [after, picture]]) {
    if (canvas.width !== picture.width || canvas.height !== picture.height) { canvas.width = picture.width; canvas.height = picture.height; }
    canvas.getContext("2d").drawImage(source, 0, 0, canvas.width, canvas.height);
  }
  picture.close();
  frame.parentElement.style.setProperty("--aspect", facts.width / facts.height);
  empty.hidden = true;
  frame.hidden = false;
  for (const button of [freeze, record]) button.disabled = false;
  last = { ratio: facts.ratio, at: now, model: asked, seconds: facts.seconds };
  if (auto.checked) showRatio(facts.ratio);
  side = facts.side;
  const at = performance.now();
  times.push(at);
  delays.push(at - now);
  times = times.filter((time) => at - time < 3 * SECOND);
  delays = delays.slice(-30);
  Object.assign(element.dataset, { frames: ++count, width: facts.width, height: facts.height, ratio: facts.ratio, model: asked });
  if (at - told > SECOND / 2) { told = at; tell(facts, at); }
}
function tell(facts, at) {
  const seconds = (at - times[0]) / SECOND, delay = [...delays].sort((a, b) => a - b)[delays.length >> 1];
  const rate = times.length > 1 && seconds ? (times.length - 1) / seconds : 0;
  Object.assign(element.dataset, { rate: rate.toFixed(2), delay: delay.toFixed(0) });
  const size = { width: facts.width, height: facts.height };
  say(filled(props.words_state, { rate: rate.toFixed(1), delay: delay.toFixed(0), ...size }));
  const full = Math.max(...[video.videoWidth, video.videoHeight].map((each) => Math.min(each, LARGEST)));
  const words = Math.max(facts.width, facts.height) < full ? filled(props.words_slow, size) : "";
  if (slow.textContent !== words) slow.textContent = words;
}
async function begin() {
  const mine = ++run;
  press(true);
  say(props.words_asking);
  if (!navigator.mediaDevices) { stop(props.words_insecure); return; }
  let stream;
  try { stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: { ideal: "environment" } }, audio: false }); }
  catch (problem) { if (mine === run) stop(problem.name === "NotAllowedError" ? props.words_denied : props.words_none); return; }
  if (mine !== run) { for (const track of stream.getTracks()) track.stop(); return; }
  camera = stream;
  for (const track of stream.getTracks()) track.addEventListener("ended", () => { if (mine === run) stop(props.words_none); });
  video.srcObject = stream;
  try { await video.play(); } catch (problem) { if (mine === run) stop(props.words_none); return; }
  times = []; delays = []; last = grabbed = null; side = LARGEST; count = 0;
  await Promise.all([lane(mine, false), lane(mine, true)]);
  if (mine === run) stop("");
}
function stop(words) {
  run++;
  press(false);
  if (recorder) recorder.stop();
  for (const track of camera ? camera.getTracks() : []) track.stop();
  camera = video.srcObject = null;
  for (const button of [freeze, record]) button.disabled = true;
  slow.textContent = "";
  say(words);
}
function press(on) {
  start.setAttribute("aria-pressed", String(on));
  start.textContent = on ? props.words_stop : props.words_start;
}
start.addEventListener("click", () => start.getAttribute("aria-pressed") === "true" ? stop("") : begin());
// The camera's own frame, at its full size, becomes the open photo.
freeze.addEventListener("click", async () => {
  const still = document.createElement("canvas");
  if (!video.videoWidth) return;
  grab(still, 4096);
  props.value = { frame: still.toDataURL("image/jpeg", 0.95) };
  trigger("submit");
});
// The recording stays in the browser until the visitor saves it.
record.addEventListener("click", () => {
  if (recorder) { recorder.stop(); return; }
  const parts = [];
  try { recorder = new MediaRecorder(after.captureStream()); } catch (problem) { say(props.words_no_clip); return; }
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  recorder.addEventListener("stop", () => {
    recorder = null;
    record.setAttribute("aria-pressed", "false");
    const link = clip.querySelector("a");
    URL.revokeObjectURL(link.href);
    link.href = URL.createObjectURL(new Blob(parts, { type: "video/webm" }));
    clip.hidden = false;
  });
  recorder.start(SECOND);
  record.setAttribute("aria-pressed", "true");
});
range.addEventListener("input", () => { auto.checked = false; showRatio(ratio()); });
document.addEventListener("lx-live", (event) => { if (event.detail.model) model = event.detail.model; });
if (props.model) model = props.model;
showRatio(1);
makeDivider(frame, stage);
