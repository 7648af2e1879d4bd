/** Tables are sorted by a click on a heading, pictures enlarged by a click, and boxes that scroll sideways say so. */

const NUMBER = /[+-]?\d*\.?\d+/;

/** The number that a cell begins with, or NaN. A minus may be the typographic one, and "< " may come first. */
function number(text) {
  const plain = text.trim().replaceAll("−", "-").replace(/^[<>] ?/, "");
  const found = plain.match(NUMBER);
  return found && found.index === 0 ? Number(found[0]) : NaN;
}

/** Numbers by size, words by the alphabet; cells without a value come last in either direction. */
function compare(one, other, direction) {
  const isEmpty = (text) => ["", "–"].includes(text.trim());
  if (isEmpty(one) || isEmpty(other)) return isEmpty(one) - isEmpty(other);
  const difference = number(one) - number(other);
  return direction * (Number.isNaN(difference) ? one.localeCompare(other, "en", { numeric: true }) : difference);
}

/** Largest first where the column holds numbers; the other way round at the next click. */
function sort(heading) {
  const body = heading.closest("table").tBodies[0];
  const text = (row) => row.cells[heading.cellIndex].textContent;
  const rows = [...body.rows];
  const first = rows.some((row) => !Number.isNaN(number(text(row)))) ? "descending" : "ascending";
  const flipped = { ascending: "descending", descending: "ascending" };
  const order = flipped[heading.ariaSort] ?? first;
  for (const each of heading.parentElement.cells) each.ariaSort = null;
  heading.ariaSort = order;
  rows.sort((one, other) => compare(text(one), text(other), order === "ascending" ? 1 : -1));
  body.append(...rows);
}

for (const heading of document.querySelectorAll(".sortable thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = "sort";
  button.append(...heading.childNodes);
  button.addEventListener("click", () => sort(heading));
  heading.append(button);
}

const enlarged = document.querySelector("#enlarged");
for (const button of document.querySelectorAll(".scene button")) {
  button.addEventListener("click", () => {
    const picture = button.firstElementChild.cloneNode();
    const caption = document.createElement("figcaption");
    caption.textContent = picture.alt;
    enlarged.querySelector("figure").replaceChildren(picture, caption);
    enlarged.showModal();
  });
}
enlarged.addEventListener("click", () => enlarged.close());

const watcher = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const box = target.closest(".wide");
    box.classList.toggle("scrolls", box.scrollWidth > box.clientWidth);
  }
});
for (const box of document.querySelectorAll(".wide")) {
  watcher.observe(box);
  watcher.observe(box.firstElementChild);
}
