// The visible part of a picture: one zoom and one centre for all frames of a component. Positions are shares, 0 to 1
// from the upper left to the lower right corner: x, y in the picture, u, v in a frame. `seen` and `under` are the only
// formulas between the two; layout, read-outs, picking and drawing all use them.
//
// `exact` names the frame whose pixels align with the picture's: at 1:1, each picture pixel is one screen pixel.
function makeStage(redraw, { wheelNeedsCtrl = false, exact = null } = {}) {
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const arrows = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] };
  let least = 1, most = 32;
  const stage = {
    zoom: 1, x: 0.5, y: 0.5,
    aspect: 1, // of the picture in the exact frame, width by height
    seen: (x, y) => [(x - stage.x) * stage.zoom + 0.5, (y - stage.y) * stage.zoom + 0.5],
    under: (u, v) => [stage.x + (u - 0.5) / stage.zoom, stage.y + (v - 0.5) / stage.zoom],
    set(zoom, x, y) {
      stage.zoom = clamp(zoom, least, most);
      // A picture larger than its frame fills it; a smaller one is centred.
      const half = Math.min(0.5, 0.5 / stage.zoom);
      stage.x = clamp(x, half, 1 - half);
      stage.y = clamp(y, half, 1 - half);
      if (exact && exact.clientWidth) settle();
      redraw();
    },
    reset: () => stage.set(1, 0.5, 0.5),
    // Puts a position of the picture at a position of the frame.
    put(zoom, [x, y], u, v) {
      const to = clamp(zoom, least, most);
      stage.set(to, x - (u - 0.5) / to, y - (v - 0.5) / to);
    },
    zoomAt(factor, u = 0.5, v = 0.5) { stage.put(stage.zoom * factor, stage.under(u, v), u, v); },
    // Sets the zoom at which a photo pixel is a screen pixel, so that this zoom, and eight times as much, can be
    // reached.
    reach(one) { least = Math.min(1, one); most = Math.max(32, 8 * one); },
    // Lays an image of a part of the picture over its place in the frame, by setting its box: browsers round a box to
    // whole pixels before they transform it, so a CSS transform would enlarge the rounding by the zoom.
    lay(image, { left, top, width, height } = { left: 0, top: 0, width: 1, height: 1 }) {
      const [u, v] = stage.seen(left, top);
      const box = { left: u, top: v, width: width * stage.zoom, height: height * stage.zoom };
      for (const [name, share] of Object.entries(box)) image.style[name] = share * 100 + "%";
      if (!exact) return;
      // The frame's height is rounded; the picture's must not be a multiple of it.
      const wide = exact.getBoundingClientRect().width;
      image.style.width = box.width * wide + "px";
      image.style.height = box.height * wide / stage.aspect + "px";
    },
    // True if a part of the picture contains everything visible.
    holds({ left, top, width, height }) {
      const [x0, y0] = stage.under(0, 0), [x1, y1] = stage.under(1, 1), near = 1e-3 / stage.zoom;
      return x0 > left - near && y0 > top - near && x1 < left + width + near && y1 < top + height + near;
    },
    // What a frame shows of a photo with so many pixels: "across" is the number of screen pixels along the photo's
    // width, "need" along its longest side, and "side" one and a half times the frame's; a larger window arrives
    // reduced.
    look(frame, [width, height]) {
      const across = stage.zoom * frame.clientWidth * devicePixelRatio;
      const side = Math.ceil(1.5 * devicePixelRatio * Math.max(frame.clientWidth, frame.clientHeight));
      const window = [...stage.under(0, 0), ...stage.under(1, 1)].map((share) => clamp(share, 0, 1));
      return { across, need: Math.round(across * Math.max(1, height / width)), side, window };
    },
    // The pointer's position in the frame.
    locate(frame, { clientX, clientY }) {
      const box = frame.getBoundingClientRect();
      return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    },
    // Zoom and pan by mouse, wheel and fingers. Dragging while the whole picture is visible calls `drag`.
    listen(frame, drag) {
      frame.dataset.testid = "viewer";
      const held = new Map();
      let pressed = null; // until a pointer has moved too far for a click
      frame.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        pressed = event;
        held.set(event.pointerId, event);
        frame.setPointerCapture(event.pointerId);
      });
      frame.addEventListener("pointermove", (event) => {
        const before = held.get(event.pointerId);
        if (!before) return;
        if (pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 4) return;
        pressed = null;
        held.set(event.pointerId, event);
        const other = [...held.values()].find((each) => each.pointerId !== event.pointerId);
        if (other) pinch(frame, before, event, other);
        else if (stage.zoom > 1) stage.put(stage.zoom, stage.under(...stage.locate(frame, before)), ...stage.locate(frame, event));
        else if (drag) drag(event);
      });
      for (const name of ["pointerup", "pointercancel"]) frame.addEventListener(name, (event) => held.delete(event.pointerId));
      frame.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && (wheelNeedsCtrl || !frame.matches(":focus-within"))) return;
        if (!event.ctrlKey && stage.zoom <= 1 && event.deltaY > 0) return; // the page scrolls
        event.preventDefault();
        const pixels = event.deltaY * (event.deltaMode ? 30 : 1);
        stage.zoomAt(Math.exp(-pixels / 300), ...stage.locate(frame, event));
      }, { passive: false });
      frame.addEventListener("dblclick", (event) => {
        if (stage.zoom > 1) stage.reset(); else stage.put(4, stage.under(...stage.locate(frame, event)), ...stage.locate(frame, event));
      });
    },
    // Zooms and pans by keys; true if the key was one of them.
    keys(event) {
      const arrow = arrows[event.key];
      if (event.key === "+" || event.key === "=") stage.zoomAt(1.5);
      else if (event.key === "-") stage.zoomAt(1 / 1.5);
      else if (event.key === "0") stage.reset();
      else if (arrow && stage.zoom > 1) stage.set(stage.zoom, stage.x + arrow[0] / stage.zoom, stage.y + arrow[1] / stage.zoom);
      else return false;
      event.preventDefault();
      return true;
    },
  };
  // Moves the picture by less than a pixel, so that its edge lies between two screen pixels.
  function settle() {
    const box = exact.getBoundingClientRect(), [u, v] = stage.seen(0, 0);
    const off = (start, length, share) => {
      const edge = (start + share * length) * devicePixelRatio;
      return (Math.round(edge) - edge) / devicePixelRatio / length / stage.zoom;
    };
    stage.x -= off(box.left, box.width, u);
    stage.y -= off(box.top, box.height, v);
  }
  // Two fingers: the point between them stays there.
  function pinch(frame, before, now, other) {
    const middle = (one) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
    const place = stage.under(...stage.locate(frame, middle(before)));
    stage.put(stage.zoom * apart(now) / apart(before), place, ...stage.locate(frame, middle(now)));
  }
  return stage;
}
