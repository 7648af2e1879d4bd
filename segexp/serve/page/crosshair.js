/** One crosshair in all panels, by pointer, touch or keyboard; the captions say what lies under it. */

import { UNKNOWN, VOID } from "./pixels.js";

const REST_MS = 300;

export class Crosshair {
  #panels;
  #classes;
  #scene;
  #onPointer;
  #place = null;
  #speaking;

  /** panels: name -> {stage, under}: an element with a picture, and one to write in. classes: as /api/classes tells.
   *
   * scene(): {width, height, truth, prediction} of what is seen, maps as in pixels.js, each undefined until it is there.
   * onPointer(ids | null): {truth, prediction} under the crosshair.
   */
  constructor(panels, classes, scene, onPointer) {
    [this.#classes, this.#scene, this.#onPointer] = [classes, scene, onPointer];
    this.#panels = Object.entries(panels).map(([name, { stage, under }]) => this.#inPanel(name, stage, under));
  }

  /** Put it on a pixel {x, y} of the image, or take it away. */
  point(place) {
    const { width, height, truth, prediction } = this.#scene();
    this.#place = width ? place : null;
    for (const { column, row } of this.#panels) {
      column.hidden = row.hidden = this.#place === null;
      if (this.#place === null) continue;
      column.style.left = `${(100 * (place.x + 0.5)) / width}%`;
      row.style.top = `${(100 * (place.y + 0.5)) / height}%`;
    }
    const at = (map) => (this.#place && map ? map.ids[place.y * width + place.x] : null);
    this.#tell(at(truth), at(prediction));
  }

  /** Say it again, as there is more to say now. */
  refresh() {
    if (this.#place) this.point(this.#place);
  }

  /** Move it by steps of 1/64 of the image; it starts in the middle. */
  move(right, down) {
    const { width, height } = this.#scene();
    if (!width) return;
    const step = Math.max(1, Math.round(width / 64));
    const { x, y } = this.#place ?? { x: width >> 1, y: height >> 1 };
    const [dx, dy] = this.#place ? [right * step, down * step] : [0, 0];
    this.point({ x: within(x + dx, width), y: within(y + dy, height) });
  }

  #inPanel(name, stage, under) {
    const [column, row] = ["column", "row"].map((kind) =>
      Object.assign(document.createElement("div"), { className: `cross ${kind}`, hidden: true }),
    );
    stage.append(column, row);
    const follow = (event) => this.point(this.#pixel(stage, event));
    stage.addEventListener("pointermove", follow);
    stage.addEventListener("pointerdown", follow);
    stage.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.point(null));
    stage.addEventListener("focus", () => stage.matches(":focus-visible") && !this.#place && this.move(0, 0));
    return { name, column, row, under };
  }

  #pixel(stage, event) {
    const { width, height } = this.#scene();
    const box = stage.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    return { x: within(x, width), y: within(y, height) };
  }

  #tell(truth, prediction) {
    const isComparable = truth !== null && prediction !== null;
    const verdict = truth === VOID ? "void" : truth === prediction ? "right" : "wrong";
    const texts = {
      photo: this.#place ? `x ${this.#place.x}, y ${this.#place.y}` : "",
      truth: this.#nameOf(truth),
      prediction: this.#nameOf(prediction),
      difference: isComparable ? verdict : "",
    };
    const colors = { truth: this.#colorOf(truth), prediction: this.#colorOf(prediction) };
    for (const { name, under } of this.#panels) write(under, texts[name], colors[name]);
    this.#onPointer(this.#place && { truth, prediction });
    this.#speak(["truth", "prediction"].filter((name) => texts[name]).map((name) => `${name} ${texts[name]}`));
  }

  /** For those who do not see it; only where it rests, or they would hear of every pixel. */
  #speak(phrases) {
    clearTimeout(this.#speaking);
    if (!phrases.length || !document.activeElement?.matches(".stage")) return;
    const say = () => (document.getElementById("spoken").textContent = phrases.join(", "));
    this.#speaking = setTimeout(say, REST_MS);
  }

  #nameOf(id) {
    if (id === null) return "";
    return id === VOID ? "void" : id === UNKNOWN ? "unknown colour" : this.#classes[id].name;
  }

  #colorOf(id) {
    return id === VOID ? [0, 0, 0] : this.#classes[id]?.color;
  }
}

function write(element, text, color) {
  element.textContent = text;
  if (!color) return;
  const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
  swatch.style.backgroundColor = `rgb(${color})`;
  element.prepend(swatch);
}

function within(place, size) {
  return Math.min(size - 1, Math.max(0, place));
}
