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
  const frame = find(".lx-frame");
  const stage = makeStage(() => { dress(stage, frame); tools.say(); }, { wheelNeedsCtrl: true });
  const tools = zoomTools(stage, "Drag the divider, or focus it and press the arrow keys. Double-click zooms.");
  el.append(tools.bar);
  const divider = makeDivider(frame, stage, {
    labels: () => [model.get("before_label"), model.get("after_label")],
    moved: (share) => { model.set("split", share); model.save_changes(); },
  });

  const words = () => {
    find(".lx-corner-before").textContent = model.get("before_label");
    find(".lx-corner-after").textContent = model.get("after_label");
    find(".lx-before").alt = model.get("before_alt");
    find(".lx-after").alt = model.get("after_alt");
    el.style.setProperty("--aspect", model.get("width") / model.get("height"));
    // Python stores whole per cents; dragging does not.
    divider.set(Math.round(divider.share) === model.get("split") ? divider.share : model.get("split"));
  };
  const pictures = () => {
    el.style.display = model.get("after").byteLength ? "" : "none"; // nothing is restored yet
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
