// A table that sorts by any column and can be taken along. The order is the visitor's, so it lives here.
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
function save(kind) {
  const { columns } = props.value, heads = columns.map((column) => column.title), rows = sorted();
  const quote = (cell) => /[",\n]/.test(cell) ? '"' + cell.replace(/"/g, '""') + '"' : cell;
  const content = kind === "csv"
    ? [heads, ...rows.map((row) => row.map((cell) => cell === null ? "" : String(cell)))].map((row) => row.map(quote).join(",")).join("\r\n") + "\r\n"
    : [heads, heads.map(() => "---"), ...rows.map(cells)].map((row) => "| " + row.map((cell) => String(cell).replace(/\|/g, "\\|")).join(" | ") + " |").join("\n") + "\n";
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: kind === "csv" ? "text/csv" : "text/markdown" }));
  link.download = "comparison." + (kind === "csv" ? "csv" : "md");
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
  box.querySelector(".lx-ranking-note").textContent = value.note || "";
}
for (const button of box.querySelectorAll("button[data-kind]")) button.addEventListener("click", () => save(button.dataset.kind));
watch("value", render);
render();
