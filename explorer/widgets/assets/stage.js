// One viewing state, zoom and pan, shared by every frame of a widget. Positions are fractions of the picture.
function makeStage(redraw) {
  const limit = (value, low, high) => Math.min(high, Math.max(low, value));
  const stage = { zoom: 1, x: 0.5, y: 0.5 };
  stage.set = (zoom, x, y) => {
    stage.zoom = limit(zoom, 1, 24);
    const half = 0.5 / stage.zoom;
    stage.x = limit(x, half, 1 - half);
    stage.y = limit(y, half, 1 - half);
    redraw();
  };
  stage.reset = () => stage.set(1, 0.5, 0.5);
  stage.place = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  // The point under the pointer stays where it is.
  stage.scaleAt = (factor, u = 0.5, v = 0.5) => {
    const zoom = limit(stage.zoom * factor, 1, 24);
    const x = stage.x + (u - 0.5) / stage.zoom, y = stage.y + (v - 0.5) / stage.zoom;
    stage.set(zoom, x - (u - 0.5) / zoom, y - (v - 0.5) / zoom);
  };
  stage.dress = (frame) => {
    const move = (centre) => (0.5 - centre) * stage.zoom * 100 + "%";
    for (const image of frame.querySelectorAll("img")) {
      image.style.transform = `translate(${move(stage.x)}, ${move(stage.y)}) scale(${stage.zoom})`;
    }
    frame.classList.toggle("lx-zoomed", stage.zoom > 1);
    frame.classList.toggle("lx-close", stage.zoom >= 4);
  };
  stage.listen = (frame, onDrag) => {
    let held = null;
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      held = event;
      frame.setPointerCapture(event.pointerId);
      if (stage.zoom === 1 && onDrag) onDrag(event);
    });
    frame.addEventListener("pointermove", (event) => {
      if (!held) return;
      const box = frame.getBoundingClientRect();
      if (stage.zoom > 1) {
        stage.set(stage.zoom, stage.x - (event.clientX - held.clientX) / box.width / stage.zoom,
                  stage.y - (event.clientY - held.clientY) / box.height / stage.zoom);
      } else if (onDrag) onDrag(event);
      held = event;
    });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, () => { held = null; });
    frame.addEventListener("dblclick", (event) => {
      const [u, v] = stage.place(frame, event);
      if (stage.zoom > 1) stage.reset(); else stage.scaleAt(4, u, v);
    });
    // A notebook scrolls by the wheel: it zooms only together with Ctrl.
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      stage.scaleAt(Math.exp(-event.deltaY / 250), ...stage.place(frame, event));
    }, { passive: false });
  };
  stage.tools = (hint) => {
    const bar = document.createElement("div");
    bar.className = "lx-tools";
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", "Zoom");
    const words = document.createElement("span");
    words.className = "lx-grow";
    words.textContent = hint;
    const label = document.createElement("span");
    label.className = "lx-zoom";
    label.setAttribute("aria-live", "polite");
    const button = (text, name, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = text;
      made.setAttribute("aria-label", name);
      made.addEventListener("click", act);
      return made;
    };
    bar.append(words, button("\u2212", "Zoom out", () => stage.scaleAt(1 / 1.5)), label,
               button("+", "Zoom in", () => stage.scaleAt(1.5)), button("Fit", "Fit the whole picture", stage.reset));
    return { bar, words, say: () => { label.textContent = Math.round(stage.zoom * 100) + " %"; } };
  };
  return stage;
}
// The source of a picture whose PNG bytes came from Python; the one before it is let go.
function source(image, bytes) {
  const old = image.dataset.held;
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  image.dataset.held = url;
  image.src = url;
  if (old) setTimeout(() => URL.revokeObjectURL(old), 2000);
}
// Keys that a widget uses go no further: a notebook would take the arrows for its own and move on to another cell.
function keepKeys(el) {
  const ours = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", "+", "=", "-", "0"];
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.addEventListener("keydown", (event) => { if (ours.includes(event.key)) event.stopPropagation(); });
}
