/** The scene that is looked at: name, pictures, scores, each as soon as it is there. */

import { complain, forgetComplaint, tell } from "./messages.js";
import { UNKNOWN } from "./pixels.js";

const ALTERED =
  "This browser changes colours that a page reads, as a protection against fingerprinting, so that the maps are not " +
  "to be trusted. Allow this page to read canvases, then reload it.";

export class View {
  #panels;
  #legend;
  #onAnswer;

  /** scene: see scene.js; answer: the server's, once there. onAnswer(): it is. */
  constructor(panels, legend, onAnswer) {
    [this.#panels, this.#legend, this.#onAnswer] = [panels, legend, onAnswer];
    this.scene = this.answer = null;
  }

  /** Make room for a scene of which only the name is known. */
  expect(name, hasTruth) {
    if (this.scene && !this.scene.hasTruth) this.scene.leave();
    this.scene = this.answer = null;
    document.getElementById("name").textContent = name;
    document.title = `${name} – segexp`;
    forgetComplaint();
    this.#panels.expect(hasTruth);
    this.#legend.show(null);
    tell("predicting …");
  }

  /** Show a scene. Resolves to whether it is complete and still looked at. again(): to have it tried once more. */
  async show(scene, again) {
    this.scene = scene;
    const began = performance.now();
    const ifShown = (act) => (part) => this.scene === scene && act(part);
    try {
      await Promise.all([
        scene.photo.then(ifShown((image) => this.#panels.showPhoto(image))),
        scene.truth.then(ifShown((map) => map && this.#showMap("truth", map))),
        scene.answer.then(ifShown((answer) => this.#showAnswer(answer))),
        scene.prediction.then(ifShown((map) => this.#showMap("prediction", map))),
        scene.readPhoto?.then(ifShown((image) => this.#panels.showPhoto(image))),
      ]);
    } catch (error) {
      if (this.scene !== scene) return false;
      this.#panels.dropStale(); // or another image would be seen under this one's name
      complain(error.message, again);
      return false;
    }
    if (this.scene !== scene) return false;
    this.#sumUp(performance.now() - began);
    return true;
  }

  #showMap(name, map) {
    this.#panels.showMap(name, map);
    if (map.ids.includes(UNKNOWN)) complain(ALTERED);
  }

  #showAnswer(answer) {
    this.answer = answer;
    this.#legend.show(answer.scores);
    this.#onAnswer();
  }

  #sumUp(tookMs) {
    const { width, height, scores, seconds } = this.answer;
    const miou = typeof scores?.miou === "number" ? [`mean IoU ${scores.miou.toFixed(3)}`] : [];
    const times = [`network ${seconds.network.toFixed(2)} s`, `shown after ${(tookMs / 1000).toFixed(2)} s`];
    tell([...miou, `${width} × ${height} pixels`, ...times].join(", "));
  }
}
