// A contact sheet on its own: one zoom and one place for all pictures.
const frames = [...document.querySelectorAll(".frame")], shown = document.querySelector("output");
const stage = makeStage(() => {
  for (const frame of frames) stage.lay(frame.firstElementChild);
  shown.textContent = Math.round(stage.zoom * 100) + " %";
});
for (const frame of frames) { stage.listen(frame); frame.addEventListener("keydown", (event) => stage.keys(event)); }
const [out, into, fit] = document.querySelectorAll("nav button");
out.addEventListener("click", () => stage.zoomAt(1 / 1.5));
into.addEventListener("click", () => stage.zoomAt(1.5));
fit.addEventListener("click", () => stage.reset());
stage.reset();
