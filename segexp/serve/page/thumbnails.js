/** Small pictures of the list: loaded once they are about to be seen, few at a time, so that nothing waits for them. */

import { ask } from "./api.js";

const AT_ONCE = 2;
const AHEAD = "300px";

export class Thumbnails {
  #observer = new IntersectionObserver((entries) => this.#see(entries), { rootMargin: AHEAD });
  #abort = new AbortController();
  #waiting = [];
  #numLoading = 0;
  #blobs = [];

  /** Load an <img> from this URL, when it comes into view. */
  add(image, url) {
    image.dataset.url = url;
    this.#observer.observe(image);
  }

  /** Forget all that were added. */
  clear() {
    this.#observer.disconnect();
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#waiting = [];
    this.#blobs.forEach(URL.revokeObjectURL);
    this.#blobs = [];
  }

  #see(entries) {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      this.#observer.unobserve(target);
      this.#waiting.push(target);
    }
    while (this.#numLoading < AT_ONCE && this.#waiting.length) this.#load(this.#waiting.shift());
  }

  async #load(image) {
    const { signal } = this.#abort;
    this.#numLoading++;
    try {
      const blob = await (await ask(image.dataset.url, { signal, priority: "low" })).blob();
      if (!signal.aborted) this.#show(image, URL.createObjectURL(blob));
    } catch {
      // its place stays empty; opening the image shows why
    } finally {
      this.#numLoading--;
      this.#see([]);
    }
  }

  /** Give all places of the list the shape of its images, which mostly are alike. */
  #shape({ naturalWidth, naturalHeight }) {
    const aspect = Math.min(3, Math.max(1, naturalWidth / naturalHeight));
    document.getElementById("ids").style.setProperty("--aspect", aspect);
  }

  #show(image, url) {
    this.#blobs.push(url);
    image.onload = () => this.#shape(image);
    image.src = url;
  }
}
