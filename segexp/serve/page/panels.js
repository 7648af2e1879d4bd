/** Image, ground truth, prediction and difference side by side; maps lie over the image. */

import { Crosshair } from "./crosshair.js";
import { paintClasses, paintDifference } from "./pixels.js";

const NAMES = ["image", "target", "prediction", "difference"];

export class Panels {
  #classes;
  #panels = Object.fromEntries(NAMES.map((name) => [name, panel(name)]));
  #scene = {};
  #highlighted = null;
  #isStale = false;

  /** classes: of /api/classes. onPointer(ids | null): see Crosshair. */
  constructor(classes, onPointer) {
    this.#classes = classes;
    this.crosshair = new Crosshair(this.#panels, classes, () => this.#scene, onPointer);
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

  /** id: of the class whose pixels alone stay opaque, null for all. */
  highlight(id) {
    this.#highlighted = id;
    this.#paint();
  }

  /** opacity: of maps over the image, 0 to 1. */
  blend(opacity) {
    for (const { canvas } of Object.values(this.#panels)) canvas.style.opacity = opacity;
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
    const [classes, highlighted] = [this.#classes, this.#highlighted];
    if (target) paintClasses(this.#revealCanvas("target"), target, classes, highlighted);
    if (prediction) paintClasses(this.#revealCanvas("prediction"), prediction, classes, highlighted);
    if (target && prediction) paintDifference(this.#revealCanvas("difference"), target, prediction, highlighted);
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
