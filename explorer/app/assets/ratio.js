const find = (name) => element.querySelector(name);
const range = find(".lx-ratio-range"), number = find(".lx-ratio-number"), mark = find(".lx-ratio-mark");
const note = find("#lx-ratio-note"), use = find(".lx-ratio-use"), ticks = find(".lx-ratio-ticks"), keep = find(".lx-ratio-keep");
const LOW = 1, HIGH = 300, STEPS = 1000;
const place = (ratio) => Math.log(ratio / LOW) / Math.log(HIGH / LOW);
const at = (share) => LOW * Math.pow(HIGH / LOW, share);
const tidy = (ratio) => Number(ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : ratio.toFixed(0));
const left = (share) => "calc(" + share * 100 + "% + " + (0.5 - share) * 18 + "px)";

for (const tick of [1, 3, 10, 30, 100, 300]) {
  const label = document.createElement("span");
  label.textContent = tick;
  label.style.left = left(place(tick));
  ticks.append(label);
}
const mended = new Set();
let turn = 0, chosen = null; // the visitor's latest choice
function show(ratio) {
  range.value = Math.round(place(ratio) * STEPS);
  range.style.setProperty("--fill", left(place(ratio)));
  range.setAttribute("aria-valuetext", "times " + tidy(ratio));
  number.value = tidy(ratio);
  number.style.width = String(number.value).length + 0.8 + "ch";
}
function render() {
  const value = props.value || { ratio: 1 };
  // An answer to an older choice, which must not replace the newer one.
  if (value.turn < turn) {
    // Once per answer, because a value that is set here may come back before it has arrived.
    const both = value.turn + "/" + turn;
    if (!mended.has(both)) { mended.add(both); props.value = { ...value, ...chosen }; trigger("release"); }
    return;
  }
  show(value.ratio);
  note.removeAttribute("role");
  // The ratio set by hand for another model, which this model uses only if the visitor keeps it.
  keep.hidden = !value.auto || !Number.isFinite(value.kept);
  if (!keep.hidden) keep.textContent = keep.dataset.words.replace("{ratio}", "×" + tidy(value.kept));
  const known = Number.isFinite(value.suggested);
  mark.hidden = !known;
  use.hidden = !known || value.auto;
  if (known) {
    mark.style.left = left(place(value.suggested));
    mark.title = "×" + tidy(value.suggested);
    note.textContent = (value.note || "").replace("{ratio}", "×" + tidy(value.suggested));
  } else note.textContent = "";
}
function commit(ratio, auto) {
  chosen = { ratio, auto, turn: ++turn };
  props.value = { ...(props.value || {}), ...chosen };
  render();
  trigger("release");
}
range.addEventListener("input", () => show(tidy(at(range.value / STEPS))));
range.addEventListener("change", () => commit(tidy(at(range.value / STEPS)), false));
number.addEventListener("change", () => {
  const typed = Number(number.value.replace(",", ".").replace(/[x×\s]/g, ""));
  if (Number.isFinite(typed) && typed >= LOW && typed <= HIGH) commit(typed, false);
  else {
    const refused = (props.invalid || "").replace("{typed}", number.value);
    show((props.value || { ratio: 1 }).ratio);
    note.setAttribute("role", "alert");
    note.textContent = refused;
  }
});
use.addEventListener("click", () => { commit(props.value.suggested, true); range.focus(); });
keep.addEventListener("click", () => { commit(props.value.kept, false); range.focus(); });
watch("value", render);
render();
