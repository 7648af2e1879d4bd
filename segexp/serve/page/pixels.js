/** Reads class ids from images, and paints maps of class ids: each in one pass over typed arrays.
 *
 * A map is {width, height, ids: Uint8Array of width * height}. Colours are packed as canvas pixels lie in memory: ABGR.
 */

export const VOID = 255;
export const UNKNOWN = 254;
const RED = pack([208, 32, 48]), LIGHT = pack([235, 235, 235]), DARK = pack([60, 60, 60]); // as in segexp/display/scene_sheet.py
const BLUE = pack([0, 114, 178]), ORANGE = pack([230, 159, 0]); // which everybody can tell apart (Okabe and Ito)
const FAINT = 0x1affffff;

export function pack([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Map each packed colour to its class id; a class may be black, which otherwise is void. */
export function idsOfColors(classes) {
  return new Map([[pack([0, 0, 0]), VOID], ...classes.map(({ id, color }) => [pack(color), id])]);
}

/** Read the map that a decoded image shows; colours of no class are UNKNOWN. */
export function readMap(image, ids) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const classIds = new Uint8Array(pixels.length);
  for (let index = 0, last = pixels[0], id = ids.get(last) ?? UNKNOWN; index < pixels.length; index++) {
    if (pixels[index] !== last) { // neighbours are mostly alike, so the slow lookup is rare
      last = pixels[index];
      id = ids.get(last) ?? UNKNOWN;
    }
    classIds[index] = id;
  }
  return { width, height, ids: classIds };
}

/** Draw a map in the colours of its classes. highlighted: id whose pixels alone stay opaque, or null. */
export function paintClasses(canvas, map, classes, highlighted) {
  const inks = new Uint32Array(256);
  inks[VOID] = inks[UNKNOWN] = pack([0, 0, 0]);
  for (const { id, color } of classes) inks[id] = pack(color);
  if (highlighted !== null) inks.forEach((ink, id) => (inks[id] = id === highlighted ? ink : (ink & FAINT) >>> 0));
  const { ids } = map;
  paint(canvas, map, (pixels) => {
    for (let index = 0; index < pixels.length; index++) pixels[index] = inks[ids[index]];
  });
}

/** Draw where two maps differ: red where wrong, light where correct, dark where the ground truth is void. */
export function paintDifference(canvas, target, prediction) {
  const targetIds = target.ids, predictedIds = prediction.ids;
  paint(canvas, target, (pixels) => {
    for (let index = 0; index < pixels.length; index++) {
      const actual = targetIds[index];
      pixels[index] = actual === VOID ? DARK : actual === predictedIds[index] ? LIGHT : RED;
    }
  });
}

/** Draw the errors of one class: blue where it was missed, orange where it is a false alarm, light where correct.
 *
 * Dark where it is predicted and the ground truth is void. All other pixels are faint.
 */
export function paintClassErrors(canvas, target, prediction, id) {
  const targetIds = target.ids, predictedIds = prediction.ids;
  const inksOfPredicted = new Uint32Array(256).fill(ORANGE);
  [inksOfPredicted[id], inksOfPredicted[VOID]] = [LIGHT, DARK];
  paint(canvas, target, (pixels) => {
    for (let index = 0; index < pixels.length; index++) {
      const actual = targetIds[index];
      if (predictedIds[index] === id) pixels[index] = inksOfPredicted[actual];
      else pixels[index] = actual === id ? BLUE : LIGHT & FAINT;
    }
  });
}

function paint(canvas, { width, height }, fill) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const content = context.createImageData(width, height);
  fill(new Uint32Array(content.data.buffer));
  context.putImageData(content, 0, 0);
}
