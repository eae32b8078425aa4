function render({ model, el }) {
  el.classList.add("lx-viewer");
  keepKeys(el);
  const grid = document.createElement("div");
  grid.className = "lx-tiles";
  const stage = makeStage(() => { for (const frame of grid.querySelectorAll(".lx-frame")) dress(stage, frame); tools.say(); }, { wheelNeedsCtrl: true });
  const tools = zoomTools(stage, "");
  el.append(grid, tools.bar);

  const legend = (scale) => {
    const line = document.createElement("div");
    line.className = "lx-legend";
    line.innerHTML = "<span></span><i></i><span></span>";
    fillLegend(line, scale);
    return line;
  };
  const draw = () => {
    const many = model.get("tiles").length > 1 ? "These pictures share one zoom: double-click one" : "Double-click the picture to zoom";
    tools.words.textContent = many + ", or focus it and press + and \u2212; drag to move.";
    el.style.display = model.get("tiles").length ? "" : "none";
    grid.style.setProperty("--tile", model.get("tile_width") + "px");
    const old = [...grid.querySelectorAll("img")].map((image) => image.dataset.held);
    grid.replaceChildren(...model.get("tiles").map((tile) => {
      const figure = document.createElement("figure"), frame = document.createElement("div"), image = new Image();
      frame.className = "lx-frame";
      frame.tabIndex = 0;
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", tile.title + ": zoom with plus and minus, move with the arrow keys");
      frame.style.setProperty("--aspect", tile.width / tile.height);
      image.alt = tile.alt;
      image.draggable = false;
      source(image, tile.png);
      frame.append(image);
      stage.listen(frame);
      frame.addEventListener("keydown", stage.keys);
      const caption = document.createElement("figcaption"), note = document.createElement("small");
      note.textContent = tile.note;
      caption.append(tile.title, note);
      if (tile.scale) caption.append(legend(tile.scale));
      figure.append(frame, caption);
      return figure;
    }));
    old.forEach((url) => url && URL.revokeObjectURL(url));
    stage.set(stage.zoom, stage.x, stage.y);
  };
  const busy = () => el.classList.toggle("lx-busy", model.get("busy"));
  model.on("change:tiles change:tile_width", draw);
  model.on("change:busy", busy);
  model.on("change:fresh", stage.reset);
  draw();
  busy();
}
export default { render };
