/** The classes: colour, name, IoU of this image and of the whole split. Choosing one highlights it. */

export class Legend {
  #rows = new Map();
  #mean;
  #accuracy;
  #chosen = null;
  #onChoice;

  /** facts: what /api/classes tells. onChoice(id | null): of the class to highlight. */
  constructor(facts, onChoice) {
    this.#onChoice = onChoice;
    const table = document.querySelector("#legend table");
    document.getElementById("split").textContent = facts.split ?? "all";
    for (const { id, name, color, iou } of facts.classes) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
      const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
      swatch.style.backgroundColor = `rgb(${color})`;
      button.prepend(swatch);
      button.setAttribute("aria-pressed", "false");
      const row = filled(table.tBodies[0].insertRow(), button, iou);
      row.dataset.name = name;
      row.cells[1].className = "share";
      row.addEventListener("click", () => this.choose(id === this.#chosen ? null : id));
      this.#rows.set(id, row);
    }
    this.#mean = filled(table.tFoot.insertRow(), "mean IoU", facts.miou);
    this.#accuracy = filled(table.tFoot.insertRow(), "pixel accuracy", null);
    this.#accuracy.cells[2].textContent = "";
  }

  /** scores: of the image that is shown, or null as long as there are none. */
  show(scores) {
    for (const row of this.#rows.values()) {
      const iou = scores?.iou?.[row.dataset.name];
      row.cells[1].textContent = figure(iou);
      row.cells[1].style.setProperty("--iou", `${100 * (iou ?? 0)}%`);
    }
    this.#mean.cells[1].textContent = figure(scores?.miou);
    this.#accuracy.cells[1].textContent = figure(scores?.pixel_accuracy);
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
      row.classList.toggle("pointed", ids !== null && (each === ids.truth || each === ids.prediction));
    }
  }
}

function filled(row, name, iou) {
  const head = Object.assign(document.createElement("th"), { scope: "row" });
  head.append(name);
  row.append(head);
  row.insertCell().textContent = figure(null);
  row.insertCell().textContent = figure(iou);
  return row;
}

/** Three decimals, one less than in the tables of other commands: read beside a picture. A dash: occurs nowhere. */
function figure(value) {
  return typeof value === "number" ? value.toFixed(3) : "–";
}
