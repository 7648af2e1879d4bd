/** Class ids of maps, and maps of class ids: each one pass over typed arrays.
 *
 * A map is {width, height, ids: Uint8Array of width * height}. Colours are packed as canvas pixels lie in memory: ABGR.
 */

export const VOID = 255;
export const UNKNOWN = 254;
const RED = pack([208, 32, 48]), LIGHT = pack([235, 235, 235]), DARK = pack([60, 60, 60]); // as segexp/pictures.py
const FAINT = 0x1affffff;

export function pack([red, green, blue]) {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Which id each colour stands for; a class may be black, which otherwise is void. */
export function idsOfColors(classes) {
  return new Map([[pack([0, 0, 0]), VOID], ...classes.map(({ id, color }) => [pack(color), id])]);
}

/** The map that a decoded picture shows; colours of no class are UNKNOWN. */
export function read(image, ids) {
  const { naturalWidth: width, naturalHeight: height } = image;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const found = new Uint8Array(pixels.length);
  for (let index = 0, last = pixels[0], id = ids.get(last) ?? UNKNOWN; index < pixels.length; index++) {
    if (pixels[index] !== last) { // neighbours are mostly alike, so the slow lookup is rare
      last = pixels[index];
      id = ids.get(last) ?? UNKNOWN;
    }
    found[index] = id;
  }
  return { width, height, ids: found };
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

/** Draw where two maps differ: red where wrong, light where right, dark where the truth is void. */
export function paintDifference(canvas, truth, prediction, highlighted) {
  const wanted = truth.ids, got = prediction.ids;
  const isFaint = Uint8Array.from({ length: 256 }, (_, id) => highlighted !== null && id !== highlighted);
  paint(canvas, truth, (pixels) => {
    for (let index = 0; index < pixels.length; index++) {
      const want = wanted[index], have = got[index];
      const ink = want === VOID ? DARK : want === have ? LIGHT : RED;
      pixels[index] = isFaint[want] && isFaint[have] ? ink & FAINT : ink;
    }
  });
}

function paint(canvas, { width, height }, fill) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  fill(new Uint32Array(picture.data.buffer));
  context.putImageData(picture, 0, 0);
}
