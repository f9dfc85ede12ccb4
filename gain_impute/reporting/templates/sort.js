document.addEventListener("click", (event) => {
  const button = event.target.closest("thead th button");
  if (!button) return;
  const head = button.parentElement, body = head.closest("table").tBodies[0];
  const order = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", order);
  const isNumber = head.classList.contains("n"), sign = order === "ascending" ? 1 : -1;
  const keyOf = (row) => {
    const text = row.cells[head.cellIndex].firstChild?.textContent ?? ""; // without the quieter second figure
    if (!isNumber) return text;
    const number = text.replaceAll(",", "").match(/[−-]?\d[\d.e-]*/);
    return number ? Number(number[0].replace("−", "-")) : NaN;
  };
  const rows = [...body.rows].map((row) => [keyOf(row), row]);
  rows.sort(([a], [b]) => {
    if (!isNumber) return sign * a.localeCompare(b, undefined, { numeric: true });
    if (isNaN(a) || isNaN(b)) return isNaN(a) - isNaN(b); // what is not known stays at the end
    return sign * (a - b);
  });
  body.append(...rows.map(([, row]) => row));
});
