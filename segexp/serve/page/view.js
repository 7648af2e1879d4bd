/** Shows one scene: name, images, scores, each as soon as it is there. */

import { hideError, showError, showStatus } from "./messages.js";
import { UNKNOWN } from "./pixels.js";

const ALTERED_COLOURS =
  "This browser changes the colours that a page reads, as a protection against fingerprinting, so the masks shown here " +
  "cannot be trusted. Allow this page to read canvases, then reload it.";

export class View {
  #panels;
  #legend;
  #downloads;
  #onAnswer;

  /** scene: see scene.js. answer: the server's, once it is there. onAnswer(answer): called then. */
  constructor(panels, legend, downloads, onAnswer) {
    [this.#panels, this.#legend, this.#downloads, this.#onAnswer] = [panels, legend, downloads, onAnswer];
    this.scene = this.answer = null;
  }

  /** Make room for a scene of which only the name is known. */
  expect(name, hasTarget) {
    if (this.scene && !this.scene.hasTarget) this.scene.cancel();
    this.scene = this.answer = null;
    document.getElementById("name").textContent = name;
    document.title = `${name} – segexp`;
    hideError();
    this.#panels.expect(hasTarget);
    this.#legend.expect(hasTarget);
    this.#downloads.expect(name);
    showStatus("predicting …");
  }

  /** Show a scene. Resolve to whether it is complete and still the one shown. retry(): called to try it once more. */
  async show(scene, retry) {
    this.scene = scene;
    const startMs = performance.now();
    const ifShown = (show) => (part) => this.scene === scene && show(part);
    try {
      await Promise.all([
        scene.image.then(ifShown((image) => this.#panels.showImage(image))),
        scene.target.then(ifShown((map) => map && this.#showMap("target", map))),
        scene.answer.then(ifShown((answer) => this.#showAnswer(answer))),
        scene.prediction.then(ifShown((map) => this.#showMap("prediction", map))),
        scene.uprightImage?.then(ifShown((image) => this.#panels.showImage(image))),
      ]);
    } catch (error) {
      if (this.scene !== scene) return false;
      this.#panels.dropStale(); // or another image would be seen under this one's name
      showError(error.message, retry);
      return false;
    }
    if (this.scene !== scene) return false;
    this.#downloads.offer(await scene.mask);
    this.#showSummary(performance.now() - startMs);
    return true;
  }

  #showMap(name, map) {
    this.#panels.showMap(name, map);
    if (map.ids.includes(UNKNOWN)) showError(ALTERED_COLOURS);
  }

  #showAnswer(answer) {
    this.answer = answer;
    this.#legend.show(answer);
    this.#onAnswer(answer);
  }

  #showSummary(tookMs) {
    const { width, height, scores, seconds } = this.answer;
    const miou = typeof scores?.miou === "number" ? [`mIoU ${scores.miou.toFixed(3)}`] : [];
    const times = [`inference ${seconds.network.toFixed(2)} s`, `loaded in ${(tookMs / 1000).toFixed(2)} s`];
    showStatus([...miou, `${width} × ${height} pixels`, ...times].join(", "));
  }
}
