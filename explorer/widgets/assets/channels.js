function render({ model, el }) {
  keepKeys(el);
  const list = document.createElement("ul"), held = new Image();
  list.className = "lx-channel-list lx-sheet";
  el.append(list);
  const channels = makeChannels(list, (channel) => { model.set("chosen", channel); model.save_changes(); });
  const mark = () => channels.mark(model.get("chosen"), model.get("off"));
  const draw = () => {
    source(held, model.get("png"));
    list.setAttribute("aria-label", model.get("alt"));
    list.style.setProperty("--columns", model.get("columns"));
    const [width, height] = model.get("size"), value = { sheet: held.src, width, height };
    for (const name of ["cell", "gap", "columns", "first", "count"]) value[name] = model.get(name);
    channels.show(value);
    mark();
  };
  model.on("change:png", draw);
  model.on("change:chosen change:off", mark);
  draw();
}
export default { render };
