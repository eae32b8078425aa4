// Shared by the widgets.

// Places the pictures of a frame as the stage says.
function dress(stage, frame) {
  for (const image of frame.querySelectorAll("img")) stage.lay(image);
  frame.classList.toggle("lx-zoomed", stage.zoom > 1);
  frame.classList.toggle("lx-close", stage.zoom >= 4);
}
// The zoom buttons below the pictures, and a hint.
function zoomTools(stage, hint) {
  const bar = document.createElement("div");
  bar.className = "lx-tools";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Zoom");
  bar.innerHTML = `<span class="lx-grow"></span><button type="button" class="lx-out" aria-label="Zoom out">\u2212</button>
    <span class="lx-zoom" aria-live="polite"></span><button type="button" class="lx-in" aria-label="Zoom in">+</button>
    <button type="button" class="lx-fit" aria-label="Fit the whole picture">Fit</button>`;
  wireZoom(stage, bar);
  const words = bar.querySelector(".lx-grow"), label = bar.querySelector(".lx-zoom");
  words.textContent = hint;
  return { bar, words, say: () => { label.textContent = Math.round(stage.zoom * 100) + " %"; } };
}
// The source of a picture whose PNG bytes came from Python; the previous one is released.
function source(image, bytes) {
  const old = image.dataset.held;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  image.dataset.held = url;
  image.src = url;
  if (old) setTimeout(() => URL.revokeObjectURL(old), 2000);
}
// Keys that a widget uses stop here, because a notebook would use the arrows to move to another cell.
function keepKeys(el) {
  const ours = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", "+", "=", "-", "0"];
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.addEventListener("keydown", (event) => { if (ours.includes(event.key)) event.stopPropagation(); });
}
