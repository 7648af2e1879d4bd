/** What there is to see of one image. Each part is a promise, as each comes in its own time: the photo first.
 *
 * A scene: {hasTruth, photo, truth, answer, prediction, isDone, leave()}; photo is a decoded <img>, truth and prediction
 * are maps (see pixels.js), answer is the server's JSON. isDone: all of them are there. leave(): ask no more.
 */

import { ask, askJson } from "./api.js";
import { read } from "./pixels.js";

const KEPT = 6;

/** Scenes of the data set that are shown, were shown, or will be next. */
export class Scenes {
  #ids;
  #kept = new Map();

  /** ids: promise of what colours stand for. */
  constructor(ids) {
    this.#ids = ids;
  }

  /** onBusy(seconds): the server makes this scene wait. */
  open(id, onBusy) {
    const scene = this.#kept.get(id) ?? this.#load(id);
    scene.onBusy = onBusy;
    this.#kept.delete(id);
    this.#kept.set(id, scene); // last in order: used last
    for (const old of [...this.#kept.keys()].slice(0, -KEPT)) this.#forget(old);
    return scene;
  }

  /** Ask for what will probably be wanted next, and for nothing else that is still under way. */
  prefetch(id, shown) {
    this.leaveAll([id, shown]);
    if (id !== null) this.open(id, () => {});
  }

  /** Stop what is still under way, but for these. */
  leaveAll(except) {
    for (const [id, scene] of this.#kept) if (!except.includes(id) && !scene.isDone) this.#forget(id);
  }

  #load(id) {
    const url = `api/images/${encodeURIComponent(id)}`;
    const leaving = new AbortController();
    const scene = { hasTruth: true, isDone: false, onBusy: () => {} };
    const request = { signal: leaving.signal, onBusy: (seconds) => scene.onBusy(seconds) };
    const blobs = [];
    const picture = async (path) => {
      const blob = URL.createObjectURL(await (await ask(path, request)).blob());
      blobs.push(blob);
      return decoded(blob);
    };
    scene.photo = picture(`${url}/image.png`);
    scene.truth = picture(`${url}/truth.png`).then(async (image) => read(image, await this.#ids));
    scene.answer = askJson(url, request);
    scene.prediction = scene.answer.then(async (answer) => read(await picture(answer.prediction), await this.#ids));
    scene.leave = () => {
      leaving.abort();
      blobs.forEach(URL.revokeObjectURL);
    };
    return settled(scene, () => this.#kept.get(id) === scene && this.#forget(id));
  }

  #forget(id) {
    this.#kept.get(id)?.leave();
    this.#kept.delete(id);
  }
}

/** The scene of a photo that the user brought. ids: promise of what colours stand for. */
export function uploaded(file, ids, onBusy) {
  const leaving = new AbortController();
  const blob = URL.createObjectURL(file);
  const body = new FormData();
  body.append("file", file);
  const answer = askJson("api/predict", { method: "POST", body, signal: leaving.signal, onBusy });
  const scene = {
    hasTruth: false,
    truth: Promise.resolve(null),
    answer,
    photo: decoded(blob).catch(async () => decoded((await answer).image)), // a format that only the server can read
    readPhoto: answer.then(({ image }) => decoded(image)), // as the network saw it, turned as its camera was held
    prediction: answer.then(async ({ prediction }) => read(await decoded(prediction), await ids)),
    leave: () => (leaving.abort(), URL.revokeObjectURL(blob)),
  };
  return settled(scene, () => {});
}

/** The scene, told when it is complete; onFailure: it never will be. */
function settled(scene, onFailure) {
  const parts = [scene.photo, scene.truth, scene.answer, scene.prediction, scene.readPhoto];
  Promise.all(parts).then(() => (scene.isDone = true), onFailure);
  for (const part of parts) part?.catch(() => {}); // whoever shows the scene tells
  return scene;
}

async function decoded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}
