// A table that sorts by any column and can be downloaded. The visitor chooses the order, so it lives here.
const box = element.querySelector(".lx-ranking");
let by = -1, falling = false;
function cells(row) {
  return props.value.columns.map((column, i) => row[i] === null ? "–" : typeof row[i] === "number" ? row[i].toFixed(column.digits ?? 2) : row[i]);
}
function sorted() {
  const rows = [...props.value.rows];
  if (by < 0) return rows;
  const factor = falling ? -1 : 1;
  return rows.sort((a, b) => {
    if (a[by] === null || b[by] === null) return (a[by] === null) - (b[by] === null);
    return factor * (typeof a[by] === "number" ? a[by] - b[by] : String(a[by]).localeCompare(String(b[by])));
  });
}
const sentences = (note) => [note || []].flat();
function save(kind) {
  const { columns, name, about, note } = props.value, rows = sorted();
  const kept = columns.map((column, i) => i).filter((i) => kind === "csv" || columns[i].where !== "csv");
  const heads = kept.map((i) => columns[i].title);
  const quote = (cell) => /[",\n]/.test(cell) ? '"' + cell.replace(/"/g, '""') + '"' : cell;
  const plain = (row) => kept.map((i) => row[i] === null ? "" : String(row[i])), said = (row) => { const all = cells(row); return kept.map((i) => all[i]); };
  const content = kind === "csv"
    ? [heads, ...rows.map(plain)].map((row) => row.map(quote).join(",")).join("\r\n") + "\r\n"
    : [heads, heads.map(() => "---"), ...rows.map(said)].map((row) => "| " + row.map((cell) => String(cell).replace(/\|/g, "\\|")).join(" | ") + " |").join("\n") + "\n" +
      [sentences(note).join(" "), about].filter(Boolean).map((words) => "\n" + words + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind === "csv" ? "text/csv" : "text/markdown" }));
  link.download = (name || "table") + "." + (kind === "csv" ? "csv" : "md");
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
function render() {
  const value = props.value;
  box.hidden = !value || !value.rows.length;
  if (box.hidden) return;
  const table = box.querySelector("table");
  const caption = document.createElement("caption");
  caption.className = "lx-hidden"; caption.textContent = value.caption;
  const head = document.createElement("tr");
  value.columns.forEach((column, i) => {
    if (column.where) return;
    const cell = document.createElement("th"), button = document.createElement("button");
    cell.scope = "col";
    cell.setAttribute("aria-sort", by === i ? (falling ? "descending" : "ascending") : "none");
    button.type = "button"; button.textContent = column.title; if (column.hint) button.title = column.hint;
    button.addEventListener("click", () => { falling = by === i ? !falling : Boolean(column.best_high); by = i; render(); });
    cell.append(button); head.append(cell);
  });
  const best = value.columns.map((column, i) => {
    const numbers = value.rows.map((row) => row[i]).filter((cell) => typeof cell === "number");
    if (column.best_high === undefined || numbers.length < 2) return null;
    return column.best_high ? Math.max(...numbers) : Math.min(...numbers);
  });
  const lines = sorted().map((row) => {
    const tr = document.createElement("tr");
    cells(row).forEach((words, i) => {
      if (value.columns[i].where) return;
      const cell = document.createElement(i ? "td" : "th");
      if (!i) cell.scope = "row";
      cell.textContent = words;
      if (typeof row[i] === "number") { cell.className = "lx-number"; if (row[i] === best[i]) cell.classList.add("lx-best"); }
      tr.append(cell);
    });
    return tr;
  });
  const top = document.createElement("thead"), body = document.createElement("tbody");
  top.append(head); body.append(...lines);
  table.replaceChildren(caption, top, body);
  // Each sentence is an element of its own, so it is translated as a whole.
  const words = sentences(value.note).map((sentence) => Object.assign(document.createElement("span"), { textContent: sentence + " " }));
  box.querySelector(".lx-ranking-note").replaceChildren(...words);
}
for (const button of box.querySelectorAll("button[data-kind]")) button.addEventListener("click", () => save(button.dataset.kind));
watch("value", render);
render();
