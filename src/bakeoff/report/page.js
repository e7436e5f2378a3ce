"use strict";
(() => {
  const text = (cell) => cell.textContent.trim();
  const key = (row, i) => {
    const cell = row.cells[i];
    return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
  };
  const compare = (i, sign) => (a, b) => {
    const [x, y] = [key(a, i), key(b, i)];
    if (x !== null && y !== null) return sign * (x - y);
    if (x !== null || y !== null) return x === null ? 1 : -1;
    return sign * text(a.cells[i]).localeCompare(text(b.cells[i]));
  };
  for (const table of document.querySelectorAll("table.data")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    if (rows.length < 2) continue;
    for (const [i, head] of [...table.tHead.rows[0].cells].entries()) {
      if (!text(head) || head.querySelector(".hidden")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const descending = head.getAttribute("aria-sort") !== "descending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        body.append(...[...body.rows].sort(compare(i, descending ? -1 : 1)));
      });
    }
    if (rows.length > 15) {
      const label = document.createElement("label");
      label.className = "search";
      label.textContent = "Search these rows";
      const field = document.createElement("input");
      field.type = "search";
      label.append(field);
      table.parentElement.before(label);
      field.addEventListener("input", () => {
        const wanted = field.value.toLowerCase();
        for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      });
    }
  }
})();
