// A click or Enter on the name of a column sorts a table: numbers by value, words alphabetically.
function number(text) {
  const value = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(value) ? null : value;
}

const order = new Intl.Collator(undefined, { numeric: true }).compare;

function compared(x, y, sign) {
  // Rows without a value come last in both directions.
  if (x === null || y === null) return (x === null) - (y === null);
  return sign * (typeof x === "number" ? x - y : order(x, y));
}

function sort(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const head = heads[column];
  const sign = head.ariaSort === "ascending" ? -1 : 1;
  for (const other of heads) other.ariaSort = "none";
  head.ariaSort = sign === 1 ? "ascending" : "descending";
  const key = head.classList.contains("number") ? number : (text) => text;
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [key(row.cells[column].textContent), row]);
  keyed.sort(([x], [y]) => compared(x, y, sign));
  body.append(...keyed.map(([, row]) => row));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => sort(table, column));
  });
}
