/** Image, ground truth, prediction and difference side by side; maps lie over the image. */

import { Crosshair } from "./crosshair.js";
import { paintClassErrors, paintClasses, paintDifference } from "./pixels.js";

const NAMES = ["image", "target", "prediction", "difference"];

export class Panels {
  #classes;
  #panels = Object.fromEntries(NAMES.map((name) => [name, panel(name)]));
  #scene = {};
  #chosen = null;
  #isStale = false;

  /** classes: of /api/classes. onPointer(ids | null): see Crosshair. */
  constructor(classes, onPointer) {
    this.#classes = classes;
    this.crosshair = new Crosshair(this.#panels, classes, () => ({ ...this.#scene, chosen: this.#chosen }), onPointer);
  }

  /** Prepare for another scene: the old one stays, dimmed, until the first part of the new one is there. */
  expect(hasTarget) {
    this.#isStale = true;
    this.crosshair.point(null);
    this.#panels.target.figure.hidden = this.#panels.difference.figure.hidden = !hasTarget;
    for (const { stage } of Object.values(this.#panels)) stage.classList.add("stale");
  }

  /** Remove the old scene, unless a part of the expected one is there already. */
  dropStale() {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#scene = {};
    for (const { stage, backdrop, canvas } of Object.values(this.#panels)) {
      backdrop.hidden = canvas.hidden = true;
      stage.classList.remove("stale");
      stage.classList.add("empty");
    }
  }

  /** image: a decoded <img>. */
  showImage(image) {
    this.dropStale();
    this.#size(image.naturalWidth, image.naturalHeight);
    for (const { backdrop } of Object.values(this.#panels)) {
      backdrop.src = image.src;
      backdrop.hidden = false;
    }
    this.#panels.image.stage.classList.remove("empty");
  }

  /** name: target or prediction. map: see pixels.js. */
  showMap(name, map) {
    this.dropStale();
    this.#size(map.width, map.height);
    this.#scene[name] = map;
    this.#paint();
    this.crosshair.refresh();
  }

  /** Show one class alone: its pixels stay opaque, and the difference shows its errors. id: null for all classes. */
  choose(id) {
    this.#chosen = id;
    for (const key of document.querySelectorAll("[data-key]")) key.hidden = (key.dataset.key === "class") !== (id !== null);
    this.#paint();
    this.crosshair.refresh();
  }

  /** opacity: of maps over the image, 0 to 1. */
  blend(opacity) {
    for (const { canvas } of Object.values(this.#panels)) canvas.style.opacity = opacity;
  }

  /** Resolve to a PNG of the prediction over the image, as it is shown but at the image's own size. */
  async overlay() {
    const { backdrop, canvas } = this.#panels.prediction;
    const drawing = new OffscreenCanvas(backdrop.naturalWidth, backdrop.naturalHeight);
    const context = drawing.getContext("2d");
    context.drawImage(backdrop, 0, 0);
    context.globalAlpha = Number(canvas.style.opacity);
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, drawing.width, drawing.height);
    return drawing.convertToBlob({ type: "image/png" });
  }

  #size(width, height) {
    Object.assign(this.#scene, { width, height });
    for (const { stage } of Object.values(this.#panels)) {
      stage.style.aspectRatio = `${width} / ${height}`;
      stage.style.maxWidth = `calc(80vh * ${width / height})`;
    }
  }

  #paint() {
    const { target, prediction } = this.#scene;
    const [classes, chosen] = [this.#classes, this.#chosen];
    if (target) paintClasses(this.#revealCanvas("target"), target, classes, chosen);
    if (prediction) paintClasses(this.#revealCanvas("prediction"), prediction, classes, chosen);
    if (!target || !prediction) return;
    const canvas = this.#revealCanvas("difference");
    chosen === null ? paintDifference(canvas, target, prediction) : paintClassErrors(canvas, target, prediction, chosen);
  }

  #revealCanvas(name) {
    const { canvas, stage } = this.#panels[name];
    canvas.hidden = false;
    stage.classList.remove("empty");
    return canvas;
  }
}

function panel(name) {
  const figure = document.querySelector(`[data-panel=${name}]`);
  const stage = figure.querySelector(".stage");
  const backdrop = Object.assign(new Image(), { alt: "", hidden: true, draggable: false });
  const canvas = Object.assign(document.createElement("canvas"), { hidden: true });
  stage.append(backdrop, canvas);
  stage.classList.add("empty");
  return { figure, stage, backdrop, canvas, caption: figure.querySelector(".under") };
}
