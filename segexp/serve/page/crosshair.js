/** One crosshair in all panels, moved by pointer, touch or keyboard; the captions name the classes under it. */

import { UNKNOWN, VOID } from "./pixels.js";

const REST_MS = 300;

export class Crosshair {
  #panels;
  #classes;
  #scene;
  #onPointer;
  #position = null;
  #speechTimer;

  /** panels: name -> {stage, caption}: an element with an image, and one to write in. classes: of /api/classes.
   *
   * scene(): {width, height, target, prediction, chosen} of the shown image; maps as in pixels.js, undefined until loaded;
   * chosen: id of the class that is shown alone, or null.
   * onPointer(ids | null): called with {target, prediction} under the crosshair.
   */
  constructor(panels, classes, scene, onPointer) {
    [this.#classes, this.#scene, this.#onPointer] = [classes, scene, onPointer];
    this.#panels = Object.entries(panels).map(([name, { stage, caption }]) => this.#addTo(name, stage, caption));
  }

  /** Put the crosshair on a pixel {x, y} of the image; null hides it. */
  point(position) {
    const { width, height, target, prediction } = this.#scene();
    this.#position = width ? position : null;
    for (const { column, row } of this.#panels) {
      column.hidden = row.hidden = this.#position === null;
      if (this.#position === null) continue;
      column.style.left = `${(100 * (position.x + 0.5)) / width}%`;
      row.style.top = `${(100 * (position.y + 0.5)) / height}%`;
    }
    const at = (map) => (this.#position && map ? map.ids[position.y * width + position.x] : null);
    this.#write(at(target), at(prediction));
  }

  /** Write the captions again, once another map is loaded. */
  refresh() {
    if (this.#position) this.point(this.#position);
  }

  /** Move the crosshair by steps of 1/64 of the image; it starts in the middle. */
  move(right, down) {
    const { width, height } = this.#scene();
    if (!width) return;
    const step = Math.max(1, Math.round(width / 64));
    const { x, y } = this.#position ?? { x: width >> 1, y: height >> 1 };
    const [dx, dy] = this.#position ? [right * step, down * step] : [0, 0];
    this.point({ x: within(x + dx, width), y: within(y + dy, height) });
  }

  #addTo(name, stage, caption) {
    const [column, row] = ["column", "row"].map((kind) =>
      Object.assign(document.createElement("div"), { className: `cross ${kind}`, hidden: true }),
    );
    stage.append(column, row);
    const follow = (event) => this.point(this.#pixel(stage, event));
    stage.addEventListener("pointermove", follow);
    stage.addEventListener("pointerdown", follow);
    stage.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.point(null));
    stage.addEventListener("focus", () => stage.matches(":focus-visible") && !this.#position && this.move(0, 0));
    return { name, column, row, caption };
  }

  #pixel(stage, event) {
    const { width, height } = this.#scene();
    const box = stage.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    return { x: within(x, width), y: within(y, height) };
  }

  #write(target, prediction) {
    const isComparable = target !== null && prediction !== null;
    const texts = {
      image: this.#position ? `x ${this.#position.x}, y ${this.#position.y}` : "",
      target: this.#nameOf(target),
      prediction: this.#nameOf(prediction),
      difference: isComparable ? verdict(target, prediction, this.#scene().chosen) : "",
    };
    const colors = { target: this.#colorOf(target), prediction: this.#colorOf(prediction) };
    for (const { name, caption } of this.#panels) writeCaption(caption, texts[name], colors[name]);
    this.#onPointer(this.#position && { target, prediction });
    const spoken = { "ground truth": texts.target, prediction: texts.prediction };
    this.#speak(Object.entries(spoken).filter(([, text]) => text).map(([name, text]) => `${name} ${text}`));
  }

  /** Announce the classes to screen readers, only where the crosshair rests, or every pixel would be read out. */
  #speak(phrases) {
    clearTimeout(this.#speechTimer);
    if (!phrases.length || !document.activeElement?.matches(".stage")) return;
    const say = () => (document.getElementById("spoken").textContent = phrases.join(", "));
    this.#speechTimer = setTimeout(say, REST_MS);
  }

  #nameOf(id) {
    if (id === null) return "";
    return id === VOID ? "void" : id === UNKNOWN ? "unknown colour" : this.#classes[id].name;
  }

  #colorOf(id) {
    return id === VOID ? [0, 0, 0] : this.#classes[id]?.color;
  }
}

function verdict(target, prediction, chosen) {
  if (target === VOID) return "void";
  if (target === prediction) return "correct";
  if (chosen === null) return "wrong";
  return target === chosen ? "missed" : prediction === chosen ? "false alarm" : "wrong";
}

function writeCaption(element, text, color) {
  element.textContent = text;
  if (!color) return;
  const swatch = Object.assign(document.createElement("i"), { className: "swatch" });
  swatch.style.backgroundColor = `rgb(${color})`;
  element.prepend(swatch);
}

function within(value, size) {
  return Math.min(size - 1, Math.max(0, value));
}
