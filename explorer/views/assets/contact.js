// A stand-alone contact sheet: one zoom and one position for all pictures.
const frames = [...document.querySelectorAll(".frame")], shown = document.querySelector("output");
const stage = makeStage(() => {
  for (const frame of frames) stage.lay(frame.firstElementChild);
  shown.textContent = Math.round(stage.zoom * 100) + " %";
});
for (const frame of frames) { stage.listen(frame); frame.addEventListener("keydown", (event) => stage.keys(event)); }
wireZoom(stage, document);
stage.reset();
