// One sheet behind many buttons: a channel is chosen by pointer or keyboard, and can be switched off.
const find = (name) => element.querySelector(name);
const told = find(".lx-channels").dataset;
const list = find(".lx-channel-list"), tools = find(".lx-channel-tools"), legend = find(".lx-legend");
const change = (more) => { props.value = { ...props.value, ...more }; mark(); trigger("select"); };
function mark() {
  const value = props.value;
  for (const button of list.querySelectorAll("button")) {
    const channel = Number(button.dataset.channel), off = value.off.includes(channel);
    button.setAttribute("aria-pressed", String(channel === value.selected));
    button.classList.toggle("lx-silent", off);
    button.setAttribute("aria-label", "Channel " + channel + (off ? ", switched off" : ""));
  }
  const at = value.selected - value.first;
  find(".lx-channel-stats").textContent = "#" + value.selected + ": " + (value.stats[at] || "");
  find(".lx-switch").textContent = (value.off.includes(value.selected) ? told.on : told.off) + " #" + value.selected;
  find(".lx-all-on").hidden = !value.off.length;
  const scale = value.scales[at];
  legend.hidden = !scale;
  if (scale) {
    const [low, bar, high] = legend.children;
    low.textContent = scale[0].toPrecision(3); high.textContent = scale[1].toPrecision(3); bar.style.background = scale[2];
  }
}
function render() {
  const value = props.value;
  const there = Boolean(value && value.count);
  find(".lx-empty").hidden = there; tools.hidden = !there; list.hidden = !there;
  if (!there) { legend.hidden = true; list.replaceChildren(); return; }
  const [wide, high] = value.cell, gap = value.gap;
  while (list.children.length > value.count) list.lastElementChild.remove();
  while (list.children.length < value.count) {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => change({ selected: Number(button.dataset.channel) }));
    item.append(button); list.append(item);
  }
  [...list.children].forEach((item, i) => {
    const button = item.firstElementChild, column = i % value.columns, row = Math.floor(i / value.columns);
    button.dataset.channel = value.first + i;
    button.title = "#" + (value.first + i) + ": " + value.stats[i];
    button.style.aspectRatio = wide + " / " + high;
    // Percentages of what overflows the button, so that it may take any width.
    const x = value.width > wide ? column * (wide + gap) / (value.width - wide) * 100 : 0;
    const y = value.height > high ? row * (high + gap) / (value.height - high) * 100 : 0;
    button.style.backgroundImage = `url("${value.sheet}")`;
    button.style.backgroundSize = value.width / wide * 100 + "% " + value.height / high * 100 + "%";
    button.style.backgroundPosition = x + "% " + y + "%";
    button.textContent = value.first + i;
  });
  mark();
}
find(".lx-switch").addEventListener("click", () => {
  const { off, selected } = props.value;
  change({ off: off.includes(selected) ? off.filter((each) => each !== selected) : [...off, selected] });
});
find(".lx-all-on").addEventListener("click", () => change({ off: [] }));
watch("value", render);
render();
