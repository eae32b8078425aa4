// A network drawn from its own layers: a diagram (size by row, channels by height), and a list that works with the
// keyboard.
const find = (name) => element.querySelector(name);
const list = find(".lx-layer-list"), diagram = find(".lx-diagram"), facts = find(".lx-layer-facts"), empty = find(".lx-empty");
let known = null;
const short = (count) => count >= 1e6 ? (count / 1e6).toPrecision(3) + " M" : count >= 1e3 ? (count / 1e3).toPrecision(3) + " k" : String(count);
const place = (reduction) => reduction === 1 ? "1 / 1" : "1 / " + Number(reduction.toFixed(1));
// Each part is translated separately, because no pattern fits a list of them.
const said = (words) => window.lxTranslated?.(words) ?? words;
function describe(layer) {
  const parts = [layer.kind];
  if (layer.kernel) parts.push(layer.kernel.join(" × "));
  if (layer.outputs) parts.push(said((layer.inputs ? layer.inputs + " → " : "") + layer.outputs + " channels"));
  if (layer.reduction) parts.push(said(place(layer.reduction) + " of the size"));
  if (layer.field !== null && layer.field !== undefined) parts.push(said("sees " + (layer.field === "all" ? "the whole picture" : layer.field + " × " + layer.field + " pixels")));
  if (layer.parameters) parts.push(said(short(layer.parameters) + " parameters"));
  return parts.join(", ");
}
// The drawing as a file, including the page's styles, because a file has none of its own.
find(".lx-svg").addEventListener("click", () => {
  const shown = diagram.querySelector("svg"), copy = shown.cloneNode(true), theirs = [...copy.querySelectorAll("*")];
  [...shown.querySelectorAll("*")].forEach((node, i) => {
    const look = getComputedStyle(node);
    for (const name of ["fill", "stroke", "stroke-width", "stroke-opacity", "font-size", "font-family"]) theirs[i].style.setProperty(name, look.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([copy.outerHTML], { type: "image/svg+xml" }));
  link.download = (props.value.network || "network") + ".svg";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
function pick(name) { props.value = { ...props.value, selected: name }; mark(); trigger("select"); }
function mark() {
  const selected = props.value ? props.value.selected : null;
  for (const button of list.querySelectorAll("button")) {
    const mine = button.dataset.name === selected;
    button.setAttribute("aria-pressed", String(mine));
    // Only the list scrolls; scrollIntoView would move the page.
    if (mine) { const top = button.offsetTop - list.offsetTop; if (top < list.scrollTop || top > list.scrollTop + list.clientHeight - 30) list.scrollTop = top - 60; }
  }
  for (const box of diagram.querySelectorAll("rect[data-name]")) box.classList.toggle("lx-marked", box.dataset.name === selected);
  const layer = props.value && props.value.layers.find((each) => each.name === selected);
  facts.textContent = layer ? layer.name + ": " + describe(layer) : "";
}
function paint(layers) {
  const run = layers.filter((layer) => layer.leaf && layer.order >= 0 && layer.reduction).sort((a, b) => a.order - b.order);
  const rows = [...new Set(run.map((layer) => layer.reduction))].sort((a, b) => a - b);
  const step = Math.max(11, Math.min(34, 390 / run.length)), tall = 46, left = 46;
  const at = new Map(run.map((layer, i) => [layer.name, i]));
  // Connections that skip the previous layer are arcs above the boxes, higher for longer ones.
  const skips = run.flatMap((layer, i) => (layer.sources || []).map((name) => [at.get(name), i]).filter(([from]) => from >= 0 && from < i - 1));
  const top = skips.length ? 34 : 0, letters = Math.max(...run.map((layer) => layer.name.length));
  const width = left + step * run.length + 6, rowsEnd = top + rows.length * tall + 6, height = rowsEnd + Math.min(letters, 30) * 5.2 + 8;
  const y = (layer) => top + rows.indexOf(layer.reduction) * tall + tall / 2 + 3;
  const NS = "http://www.w3.org/2000/svg", svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`); svg.setAttribute("width", width); svg.setAttribute("aria-hidden", "true");
  const make = (name, attributes, words) => {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (words) node.textContent = words;
    svg.append(node); return node;
  };
  rows.forEach((row, i) => {
    make("line", { x1: left, x2: width, y1: top + i * tall + tall / 2 + 3, y2: top + i * tall + tall / 2 + 3, class: "lx-row-line" });
    make("text", { x: 2, y: top + i * tall + tall / 2 + 7 }, place(row));
  });
  make("polyline", { points: run.map((layer, i) => `${left + step * (i + 0.5)},${y(layer)}`).join(" "), class: "lx-path" });
  for (const [from, to] of skips) {
    const [x0, x1] = [from, to].map((i) => left + step * (i + 0.5)), [y0, y1] = [from, to].map((i) => y(run[i]) - 6);
    const lift = Math.min(y0, y1) - 14 - 46 * Math.min(1, (to - from) / run.length);
    make("path", { d: `M${x0},${y0} Q${(x0 + x1) / 2},${lift} ${x1},${y1}`, class: "lx-path lx-skip-path" });
  }
  run.forEach((layer, i) => {
    const x = left + step * (i + 0.5) + 3;
    const shown = layer.name.length > 30 ? "…" + layer.name.slice(-29) : layer.name;
    make("text", { x, y: rowsEnd, transform: `rotate(-90 ${x} ${rowsEnd})`, "text-anchor": "end", class: "lx-layer-name" }, shown);
    const tallness = 8 + Math.min(34, 4.2 * Math.log2(1 + layer.outputs)), wide = Math.max(6, step - 4);
    const box = make("rect", { x: left + step * i + 2, y: y(layer) - tallness / 2, width: wide, height: tallness, rx: 2, "data-name": layer.name, class: "lx-kind-" + layer.kind.toLowerCase() });
    box.addEventListener("click", () => pick(layer.name));
    const title = document.createElementNS(NS, "title");
    title.textContent = layer.name + ": " + describe(layer);
    box.append(title);
  });
  diagram.replaceChildren(svg);
}
function render() {
  const layers = props.value ? props.value.layers : [];
  empty.hidden = layers.length > 0;
  find(".lx-drawing-of").hidden = list.hidden = !layers.length;
  const signature = JSON.stringify(layers);
  if (signature !== known) {
    known = signature;
    list.replaceChildren(...layers.map((layer) => {
      const item = document.createElement("li");
      item.style.setProperty("--depth", layer.depth);
      const shown = layer.name.split(".").pop();
      if (layer.outputs && layer.order >= 0) {
        const button = document.createElement("button");
        button.type = "button"; button.dataset.name = layer.name; button.title = describe(layer);
        const name = document.createElement("strong"), detail = document.createElement("span");
        name.textContent = layer.leaf ? shown : shown + " ▾";
        detail.textContent = layer.kind + " · " + layer.outputs + " · " + place(layer.reduction || 1);
        button.setAttribute("aria-label", layer.name + ": " + describe(layer));
        button.append(name, detail);
        button.addEventListener("click", () => pick(layer.name));
        item.append(button);
      } else { item.className = "lx-group"; item.textContent = shown; }
      return item;
    }));
    if (layers.length) paint(layers);
  }
  mark();
}
watch("value", render);
render();
