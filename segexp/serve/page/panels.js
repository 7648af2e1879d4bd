/** Image, truth, prediction and difference side by side; maps lie over the photo. */

import { Crosshair } from "./crosshair.js";
import { paintClasses, paintDifference } from "./pixels.js";

const NAMES = ["photo", "truth", "prediction", "difference"];

export class Panels {
  #classes;
  #panels = Object.fromEntries(NAMES.map((name) => [name, panel(name)]));
  #scene = {};
  #highlighted = null;
  #isStale = false;

  /** classes: as /api/classes tells them. onPointer(ids | null): see Crosshair. */
  constructor(classes, onPointer) {
    this.#classes = classes;
    this.crosshair = new Crosshair(this.#panels, classes, () => this.#scene, onPointer);
  }

  /** Another scene will come: the old one stays, dimmed, until the first part of the new one does. */
  expect(hasTruth) {
    this.#isStale = true;
    this.crosshair.point(null);
    this.#panels.truth.figure.hidden = this.#panels.difference.figure.hidden = !hasTruth;
    for (const { stage } of Object.values(this.#panels)) stage.classList.add("stale");
  }

  /** Forget the old scene, unless a part of the expected one is there already. */
  dropStale() {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#scene = {};
    for (const { stage, photo, canvas } of Object.values(this.#panels)) {
      photo.hidden = canvas.hidden = true;
      stage.classList.remove("stale");
      stage.classList.add("empty");
    }
  }

  /** image: a decoded <img>. */
  showPhoto(image) {
    this.dropStale();
    this.#size(image.naturalWidth, image.naturalHeight);
    for (const { photo } of Object.values(this.#panels)) {
      photo.src = image.src;
      photo.hidden = false;
    }
    this.#panels.photo.stage.classList.remove("empty");
  }

  /** name: truth or prediction. map: see pixels.js. */
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

  /** opacity: of maps over the photo, 0 to 1. */
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
    const { truth, prediction } = this.#scene;
    const [classes, highlighted] = [this.#classes, this.#highlighted];
    if (truth) paintClasses(this.#opened("truth"), truth, classes, highlighted);
    if (prediction) paintClasses(this.#opened("prediction"), prediction, classes, highlighted);
    if (truth && prediction) paintDifference(this.#opened("difference"), truth, prediction, highlighted);
  }

  #opened(name) {
    const { canvas, stage } = this.#panels[name];
    canvas.hidden = false;
    stage.classList.remove("empty");
    return canvas;
  }
}

function panel(name) {
  const figure = document.querySelector(`[data-panel=${name}]`);
  const stage = figure.querySelector(".stage");
  const photo = Object.assign(new Image(), { alt: "", hidden: true, draggable: false });
  const canvas = Object.assign(document.createElement("canvas"), { hidden: true });
  stage.append(photo, canvas);
  stage.classList.add("empty");
  return { figure, stage, photo, canvas, under: figure.querySelector(".under") };
}
