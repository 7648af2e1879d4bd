/** A scene holds all parts of one image. Each part is a promise, as each arrives in its own time: the image first.
 *
 * {hasTarget, image, target, answer, prediction, mask, isDone, cancel()}: image is a decoded <img>, target (the ground
 * truth) and prediction are maps (see pixels.js), mask is the URL of the prediction's PNG, answer is the server's JSON.
 * isDone: all are there. cancel(): load no more.
 */

import { ask, askJson } from "./api.js";
import { readMap } from "./pixels.js";

const MAX_SCENES = 6;

/** Scenes of the data set that are shown, were shown, or will be next. */
export class SceneCache {
  #ids;
  #scenes = new Map();

  /** ids: promise of the class id of each colour. */
  constructor(ids) {
    this.#ids = ids;
  }

  /** onBusy(seconds): called when the server makes this scene wait. */
  open(id, onBusy) {
    const scene = this.#scenes.get(id) ?? this.#load(id);
    scene.onBusy = onBusy;
    this.#scenes.delete(id);
    this.#scenes.set(id, scene); // last in order: used last
    for (const old of [...this.#scenes.keys()].slice(0, -MAX_SCENES)) this.#drop(old);
    return scene;
  }

  /** Load the scene that will probably be next; cancel all others that are loading. */
  prefetch(id, shown) {
    this.cancelExcept([id, shown]);
    if (id !== null) this.open(id, () => {});
  }

  /** Cancel the scenes that are loading, except these ids. */
  cancelExcept(except) {
    for (const [id, scene] of this.#scenes) if (!except.includes(id) && !scene.isDone) this.#drop(id);
  }

  #load(id) {
    const url = `api/images/${encodeURIComponent(id)}`;
    const abort = new AbortController();
    const scene = { hasTarget: true, isDone: false, onBusy: () => {} };
    const request = { signal: abort.signal, onBusy: (seconds) => scene.onBusy(seconds) };
    const blobs = [];
    const load = async (path) => {
      const blob = URL.createObjectURL(await (await ask(path, request)).blob());
      blobs.push(blob);
      return blob;
    };
    scene.image = load(`${url}/image.png`).then(decodeImage);
    scene.target = readMask(load(`${url}/truth.png`), this.#ids);
    scene.answer = askJson(url, request);
    scene.mask = scene.answer.then(({ prediction }) => load(prediction));
    scene.prediction = readMask(scene.mask, this.#ids);
    scene.cancel = () => {
      abort.abort();
      blobs.forEach(URL.revokeObjectURL);
    };
    return watchCompletion(scene, () => this.#scenes.get(id) === scene && this.#drop(id));
  }

  #drop(id) {
    this.#scenes.get(id)?.cancel();
    this.#scenes.delete(id);
  }
}

/** The scene of an image that the user uploads. ids: promise of the class id of each colour. */
export function uploadScene(file, ids, onBusy) {
  const abort = new AbortController();
  const blob = URL.createObjectURL(file);
  const body = new FormData();
  body.append("file", file);
  const answer = askJson("api/predict", { method: "POST", body, signal: abort.signal, onBusy });
  const mask = answer.then(({ prediction }) => prediction);
  const scene = {
    hasTarget: false,
    target: Promise.resolve(null),
    answer,
    image: decodeImage(blob).catch(async () => decodeImage((await answer).image)), // a format only the server can read
    uprightImage: answer.then(({ image }) => decodeImage(image)), // as the network saw it
    mask,
    prediction: readMask(mask, ids),
    cancel: () => (abort.abort(), URL.revokeObjectURL(blob)),
  };
  return watchCompletion(scene, () => {});
}

/** Return the scene, and set isDone when all its parts are there. onFailure(): called if one never will be. */
function watchCompletion(scene, onFailure) {
  const parts = [scene.image, scene.target, scene.answer, scene.mask, scene.prediction, scene.uprightImage];
  Promise.all(parts).then(() => (scene.isDone = true), onFailure);
  for (const part of parts) part?.catch(() => {}); // whoever shows the scene shows the error
  return scene;
}

/** url: promise of the URL of a mask. ids: promise of the class id of each colour. */
async function readMask(url, ids) {
  return readMap(await decodeImage(await url), await ids);
}

async function decodeImage(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}
