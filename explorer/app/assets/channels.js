// A layer's channels: one can be selected, and any can be switched off.
const find = (name) => element.querySelector(name);
const told = find(".lx-channels").dataset;
const list = find(".lx-channel-list"), tools = find(".lx-channel-tools"), legend = find(".lx-legend");
const channels = makeChannels(list, (selected) => change({ selected }));
const change = (more) => { props.value = { ...props.value, ...more }; mark(); trigger("select"); };
function mark() {
  const value = props.value;
  channels.mark(value.selected, value.off);
  const at = value.selected - value.first;
  find(".lx-channel-stats").textContent = "#" + value.selected + ": " + (value.stats[at] || "");
  find(".lx-switch").textContent = (value.off.includes(value.selected) ? told.on : told.off) + " #" + value.selected;
  find(".lx-all-on").hidden = !value.off.length;
  const scale = value.scales[at];
  fillLegend(legend, scale && { low: scale[0].toPrecision(3), high: scale[1].toPrecision(3), css: scale[2] });
}
function render() {
  const value = props.value;
  const there = Boolean(value && value.count);
  find(".lx-empty").hidden = there; tools.hidden = !there; list.hidden = !there;
  if (!there) { legend.hidden = true; list.replaceChildren(); return; }
  channels.show(value, value.stats);
  mark();
}
find(".lx-switch").addEventListener("click", () => {
  const { off, selected } = props.value;
  change({ off: off.includes(selected) ? off.filter((each) => each !== selected) : [...off, selected] });
});
find(".lx-all-on").addEventListener("click", () => change({ off: [] }));
watch("value", render);
render();
