// Tables sort by a click, or Enter, on the name of a column: numbers by value, words by their order.
function number(text) {
  const value = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(value) ? null : value;
}

function compared(column, numeric, sign) {
  const order = new Intl.Collator(undefined, { numeric: true }).compare;
  return (a, b) => {
    const [x, y] = [a.cells[column].textContent, b.cells[column].textContent];
    if (!numeric) return sign * order(x, y);
    const [p, q] = [number(x), number(y)];
    // What has no value stands last either way.
    if (p === null || q === null) return (p === null) - (q === null);
    return sign * (p - q);
  };
}

function sort(table, column) {
  const heads = [...table.tHead.rows[0].cells];
  const head = heads[column];
  const descending = head.ariaSort === "ascending";
  for (const other of heads) other.ariaSort = "none";
  head.ariaSort = descending ? "descending" : "ascending";
  const body = table.tBodies[0];
  const numeric = head.classList.contains("number");
  body.append(...[...body.rows].sort(compared(column, numeric, descending ? -1 : 1)));
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => sort(table, column));
  });
}
