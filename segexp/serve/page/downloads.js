/** Saves the prediction that is shown: its mask as the server made it, or as an overlay on the image. */

import { setEnabled } from "./list.js";

const KEEP_MS = 60_000; // a browser may ask first where to save
const element = (id) => document.getElementById(id);

export class Downloads {
  #name;
  #mask = null;

  /** overlay(): promise of the overlay's PNG. */
  constructor(overlay) {
    const save = (what, url) => saveAs(url, `${this.#name}_${what}.png`);
    element("download-mask").addEventListener("click", () => this.#mask && save("mask", this.#mask));
    element("download-overlay").addEventListener("click", async () => {
      if (!this.#mask) return;
      const url = URL.createObjectURL(await overlay());
      save("overlay", url);
      setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
    });
  }

  /** Wait for the prediction of another image. name: its id, or the name of its file. */
  expect(name) {
    this.#name = name.replace(/\.(png|jpe?g|webp|bmp)$/i, "").replace(/[\\/:]/g, "_");
    this.#enable(null);
  }

  /** mask: URL of the PNG of class ids, whose palette has the colours of the classes. */
  offer(mask) {
    this.#enable(mask);
  }

  #enable(mask) {
    this.#mask = mask;
    for (const name of ["mask", "overlay"]) setEnabled(element(`download-${name}`), mask !== null);
  }
}

function saveAs(href, download) {
  Object.assign(document.createElement("a"), { href, download }).click();
}
