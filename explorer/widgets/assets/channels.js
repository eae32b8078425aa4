function render({ model, el }) {
  keepKeys(el);
  const sheet = document.createElement("div"), image = new Image();
  sheet.className = "lx-sheet";
  sheet.setAttribute("role", "group");
  el.append(sheet);
  const choose = (channel) => { model.set("chosen", channel); model.save_changes(); };
  const mark = () => {
    for (const cell of sheet.querySelectorAll("button")) {
      const channel = Number(cell.dataset.channel);
      cell.setAttribute("aria-pressed", channel === model.get("chosen"));
      cell.tabIndex = channel === model.get("chosen") ? 0 : -1;
      cell.dataset.off = model.get("off").includes(channel);
    }
    if (!sheet.querySelector("button[tabindex='0']")) sheet.querySelector("button")?.setAttribute("tabindex", "0");
  };
  const draw = () => {
    source(image, model.get("png"));
    image.alt = model.get("alt");
    sheet.setAttribute("aria-label", model.get("alt"));
    const [width, height] = model.get("size"), [cellWidth, cellHeight] = model.get("cell");
    const columns = model.get("columns"), gap = model.get("gap");
    const cells = Array.from({ length: model.get("count") }, (_, index) => {
      const cell = document.createElement("button"), channel = model.get("first") + index;
      cell.type = "button";
      cell.dataset.channel = channel;
      cell.title = "channel " + channel;
      cell.setAttribute("aria-label", "channel " + channel);
      cell.style.left = (index % columns) * (cellWidth + gap) / width * 100 + "%";
      cell.style.top = Math.floor(index / columns) * (cellHeight + gap) / height * 100 + "%";
      cell.style.width = cellWidth / width * 100 + "%";
      cell.style.height = cellHeight / height * 100 + "%";
      cell.addEventListener("click", () => choose(channel));
      cell.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
        const next = step && sheet.querySelector(`button[data-channel="${channel + step}"]`);
        if (!next) return;
        event.preventDefault();
        choose(channel + step);
        next.focus();
      });
      return cell;
    });
    sheet.replaceChildren(image, ...cells);
    mark();
  };
  model.on("change:png", draw);
  model.on("change:chosen change:off", mark);
  draw();
}
export default { render };
