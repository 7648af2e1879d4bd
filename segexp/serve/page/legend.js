/** The classes: colour, name, IoU of this image and of the whole split. Choosing one highlights it. */

export class Legend {
  #rows = new Map();
  #mean;
  #accuracy;
  #chosen = null;
  #onChoice;

  /** run: the answer of /api/classes. onChoice(id | null): called with the class to highlight. */
  constructor(run, onChoice) {
    this.#onChoice = onChoice;
    const table = document.querySelector("#legend table");
    document.getElementById("split").textContent = run.split ?? "all";
    for (const { id, name, color, iou } of run.classes) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
      swatch.style.backgroundColor = `rgb(${color})`;
      button.prepend(swatch);
      button.setAttribute("aria-pressed", "false");
      const row = fillRow(table.tBodies[0].insertRow(), button, iou);
      row.dataset.name = name;
      row.cells[1].className = "share";
      row.addEventListener("click", () => this.choose(id === this.#chosen ? null : id));
      this.#rows.set(id, row);
    }
    this.#mean = fillRow(table.tFoot.insertRow(), "mean IoU", run.miou);
    this.#accuracy = fillRow(table.tFoot.insertRow(), "pixel accuracy", null);
    this.#accuracy.cells[2].textContent = "";
  }

  /** Show the scores of an image; null while there are none. */
  show(scores) {
    for (const row of this.#rows.values()) {
      const iou = scores?.iou?.[row.dataset.name];
      row.cells[1].textContent = formatScore(iou);
      row.cells[1].style.setProperty("--iou", `${100 * (iou ?? 0)}%`);
    }
    this.#mean.cells[1].textContent = formatScore(scores?.miou);
    this.#accuracy.cells[1].textContent = formatScore(scores?.pixel_accuracy);
  }

  choose(id) {
    this.#chosen = id;
    for (const [each, row] of this.#rows) {
      row.classList.toggle("chosen", each === id);
      row.querySelector("button").setAttribute("aria-pressed", String(each === id));
    }
    this.#onChoice(id);
  }

  /** Mark the classes that lie under the crosshair. */
  point(ids) {
    for (const [each, row] of this.#rows) {
      row.classList.toggle("pointed", ids !== null && (each === ids.target || each === ids.prediction));
    }
  }
}

function fillRow(row, name, iou) {
  const head = Object.assign(document.createElement("th"), { scope: "row" });
  head.append(name);
  row.append(head);
  row.insertCell().textContent = formatScore(null);
  row.insertCell().textContent = formatScore(iou);
  return row;
}

/** Three decimals, one less than in the tables of other commands, as it stands beside an image; a dash for none. */
function formatScore(value) {
  return typeof value === "number" ? value.toFixed(3) : "–";
}
