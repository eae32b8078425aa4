function render({ model, el }) {
  el.classList.add("lx-viewer", "lx-single");
  keepKeys(el);
  el.innerHTML = `
    <div class="lx-frame" tabindex="0" role="group" aria-label="Before and after: zoom with plus and minus, move with the arrow keys">
      <div class="lx-clip"><img class="lx-after" draggable="false" alt=""></div>
      <div class="lx-clip lx-clip-before"><img class="lx-before" draggable="false" alt=""></div>
      <span class="lx-corner lx-corner-before"></span><span class="lx-corner lx-corner-after"></span>
      <input class="lx-split" type="range" min="0" max="100" step="1" aria-label="Divider between the two pictures">
      <div class="lx-handle" aria-hidden="true"><span></span></div>
    </div>`;
  const find = (name) => el.querySelector(name);
  const frame = find(".lx-frame"), split = find(".lx-split"), handle = find(".lx-handle");
  const stage = makeStage(() => { dress(stage, frame); tools.say(); }, { wheelNeedsCtrl: true });
  const tools = zoomTools(stage, "Drag the divider, or focus it and press the arrow keys. Double-click zooms.");
  el.append(tools.bar);

  const divide = (share, tell) => {
    const value = Math.round(Math.min(100, Math.max(0, share)));
    split.value = value;
    frame.style.setProperty("--split", value + "%");
    split.setAttribute("aria-valuetext", `${value} percent ${model.get("before_label")}, ${100 - value} percent ${model.get("after_label")}`);
    if (tell && model.get("split") !== value) { model.set("split", value); model.save_changes(); }
  };
  const drag = (event) => divide(stage.locate(frame, event)[0] * 100, true);
  stage.listen(frame, drag);
  let grasped = null; // until the pointer has moved far enough to be no click, the half of a double one
  handle.addEventListener("pointerdown", (event) => { grasped = event; event.stopPropagation(); handle.setPointerCapture(event.pointerId); split.focus({ preventScroll: true }); });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId) || (grasped && Math.abs(event.clientX - grasped.clientX) < 4)) return;
    grasped = null;
    drag(event);
  });
  split.addEventListener("input", () => divide(Number(split.value), true));
  frame.addEventListener("keydown", (event) => {
    const steps = { PageUp: 10, PageDown: -10 }, step = { ArrowLeft: -1, ArrowRight: 1, ...steps }[event.key];
    // The divider's own arrows move it; with Shift, or where the frame itself has the focus, they move the picture.
    if (event.key.startsWith("Arrow") && event.target === split && !event.shiftKey) return;
    if (stage.keys(event) || !step) return;
    divide(Number(split.value) + step, true);
    event.preventDefault();
  });

  const words = () => {
    find(".lx-corner-before").textContent = model.get("before_label");
    find(".lx-corner-after").textContent = model.get("after_label");
    find(".lx-before").alt = model.get("before_alt");
    find(".lx-after").alt = model.get("after_alt");
    el.style.setProperty("--aspect", model.get("width") / model.get("height"));
    divide(model.get("split"), false);
  };
  const pictures = () => {
    el.style.display = model.get("after").byteLength ? "" : "none"; // nothing was restored yet
    if (!model.get("after").byteLength) return;
    source(find(".lx-before"), model.get("before"));
    source(find(".lx-after"), model.get("after"));
    words();
  };
  const busy = () => el.classList.toggle("lx-busy", model.get("busy"));
  model.on("change:before change:after", pictures);
  model.on("change:before_label change:after_label change:before_alt change:after_alt change:width change:height change:split", words);
  model.on("change:busy", busy);
  model.on("change:fresh", stage.reset);
  pictures();
  busy();
  stage.reset();
}
export default { render };
