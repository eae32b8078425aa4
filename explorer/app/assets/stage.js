// One viewing state (zoom and pan) shared by every picture of a component. Positions are fractions of the picture.
function makeStage(redraw) {
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const stage = {
    zoom: 1, x: 0.5, y: 0.5,
    set(zoom, x, y) {
      stage.zoom = clamp(zoom, 1, 32);
      const half = 0.5 / stage.zoom;
      stage.x = clamp(x, half, 1 - half);
      stage.y = clamp(y, half, 1 - half);
      redraw();
    },
    reset() { stage.set(1, 0.5, 0.5); },
    // Zoom so that the point under the pointer stays where it is.
    zoomAt(factor, u, v) {
      const zoom = clamp(stage.zoom * factor, 1, 32);
      const px = stage.x + (u - 0.5) / stage.zoom, py = stage.y + (v - 0.5) / stage.zoom;
      stage.set(zoom, px - (u - 0.5) / zoom, py - (v - 0.5) / zoom);
    },
    transform() {
      const shift = (centre) => (0.5 - centre) * stage.zoom * 100; // the CSS scales about the middle
      return `translate(${shift(stage.x)}%, ${shift(stage.y)}%) scale(${stage.zoom})`;
    },
    // Where a pointer is: fractions of the frame, and of the picture.
    locate(frame, event) {
      const box = frame.getBoundingClientRect();
      const u = (event.clientX - box.left) / box.width, v = (event.clientY - box.top) / box.height;
      return { u, v, px: stage.x + (u - 0.5) / stage.zoom, py: stage.y + (v - 0.5) / stage.zoom };
    },
    pannable(frame, { onDrag } = {}) {
      let last = null;
      frame.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        last = event; frame.setPointerCapture(event.pointerId);
        if (onDrag && stage.zoom === 1) onDrag(event);
      });
      frame.addEventListener("pointermove", (event) => {
        if (!last) return;
        if (stage.zoom > 1) {
          const box = frame.getBoundingClientRect();
          stage.set(stage.zoom, stage.x - (event.clientX - last.clientX) / box.width / stage.zoom,
                    stage.y - (event.clientY - last.clientY) / box.height / stage.zoom);
        } else if (onDrag) onDrag(event);
        last = event;
      });
      for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, () => { last = null; });
      frame.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && stage.zoom === 1 && event.deltaY > 0) return;
        if (!event.ctrlKey && !frame.matches(":focus-within")) return;
        event.preventDefault();
        const at = stage.locate(frame, event);
        stage.zoomAt(Math.exp(-event.deltaY / 300), at.u, at.v);
      }, { passive: false });
      frame.addEventListener("dblclick", (event) => {
        const at = stage.locate(frame, event);
        if (stage.zoom > 1) stage.reset(); else stage.zoomAt(4, at.u, at.v);
      });
    },
    keys(event) {
      const step = 0.1 / stage.zoom;
      const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
      if (event.key === "+" || event.key === "=") stage.zoomAt(1.5, 0.5, 0.5);
      else if (event.key === "-") stage.zoomAt(1 / 1.5, 0.5, 0.5);
      else if (event.key === "0") stage.reset();
      else if (moves[event.key] && stage.zoom > 1) stage.set(stage.zoom, stage.x + moves[event.key][0], stage.y + moves[event.key][1]);
      else return false;
      event.preventDefault();
      return true;
    },
  };
  return stage;
}
