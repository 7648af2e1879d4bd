/** The classes: colour, name, and two numbers, which with ground truth are scores. Choosing one shows it alone. */

const HEADS = {
  scores: (split) => ["IoU, this image", `IoU, ${split}`],
  statistics: () => ["share of pixels", "mean confidence"],
};
const HINTS = {
  scores: "Select a class to see its errors: missed (false negative) and false alarm (false positive).",
  statistics: "Select a class to highlight it. Confidence is the probability of the predicted class.",
};

export class Legend {
  #run;
  #rows = new Map();
  #heads;
  #mean;
  #accuracy;
  #chosen = null;
  #onChoice;

  /** run: the answer of /api/classes. onChoice(id | null): called with the class to show alone. */
  constructor(run, onChoice) {
    [this.#run, this.#onChoice] = [run, onChoice];
    const table = document.querySelector("#legend table");
    this.#heads = table.tHead.rows[0].cells;
    for (const each of run.classes) this.#rows.set(each.id, this.#addRow(table.tBodies[0], each));
    this.#mean = fillRow(table.tFoot.insertRow(), "mIoU");
    this.#accuracy = fillRow(table.tFoot.insertRow(), "pixel accuracy");
    this.expect(run.split !== null);
  }

  /** Prepare for another image. hasTarget: whether it has a ground truth. */
  expect(hasTarget) {
    const kind = hasTarget ? "scores" : "statistics";
    HEADS[kind](this.#run.split).forEach((text, index) => (this.#heads[index + 1].textContent = text));
    document.getElementById("hint").textContent = HINTS[kind];
    this.#mean.cells[0].textContent = hasTarget ? "mIoU" : "all pixels";
    this.#accuracy.hidden = !hasTarget;
    hasTarget ? this.#showScores(null) : this.#showStatistics(null);
  }

  /** Show what the server answered for an image. */
  show({ scores, statistics }) {
    scores ? this.#showScores(scores) : this.#showStatistics(statistics);
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

  #addRow(body, { id, name, color }) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: name });
    const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
    swatch.style.backgroundColor = `rgb(${color})`;
    button.prepend(swatch);
    button.setAttribute("aria-pressed", "false");
    const row = fillRow(body.insertRow(), button);
    row.cells[1].className = "share";
    row.addEventListener("click", () => this.choose(id === this.#chosen ? null : id));
    return row;
  }

  #showScores(scores) {
    for (const { id, name, iou } of this.#run.classes) {
      const here = scores?.iou[name];
      write(this.#rows.get(id), formatScore(here), formatScore(iou), here);
    }
    write(this.#mean, formatScore(scores?.miou), formatScore(this.#run.miou));
    write(this.#accuracy, formatScore(scores?.pixel_accuracy), "");
  }

  #showStatistics(statistics) {
    for (const { id, name } of this.#run.classes) {
      const share = statistics?.share[name];
      write(this.#rows.get(id), formatShare(share), formatScore(statistics?.confidence[name]), share);
    }
    write(this.#mean, formatShare(statistics && 1), formatScore(statistics?.mean_confidence));
  }
}

function fillRow(row, name) {
  const head = Object.assign(document.createElement("th"), { scope: "row" });
  head.append(name);
  row.append(head);
  row.insertCell();
  row.insertCell();
  return row;
}

/** length: of the bar behind the first number, 0 to 1. */
function write(row, first, second, length = 0) {
  [row.cells[1].textContent, row.cells[2].textContent] = [first, second];
  row.cells[1].style.setProperty("--length", `${100 * (length ?? 0)}%`);
}

/** Three decimals, one less than in the tables of other commands, as it stands beside an image; a dash for none. */
export function formatScore(value) {
  return typeof value === "number" ? value.toFixed(3) : "–";
}

function formatShare(value) {
  return typeof value === "number" ? `${(100 * value).toFixed(1)} %` : "–";
}
