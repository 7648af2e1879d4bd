/** The page of `python -m segexp.serve`: shows the image that the address names, and moves on from there. */

import { askJson } from "./api.js";
import { Downloads } from "./downloads.js";
import { Legend } from "./legend.js";
import { ImageList, hashOf, idOfHash, setEnabled } from "./list.js";
import { showBusy, showError, showStatus } from "./messages.js";
import { Panels } from "./panels.js";
import { idsOfColors } from "./pixels.js";
import { SceneCache, uploadScene } from "./scene.js";
import { receiveUploads } from "./upload.js";
import { View } from "./view.js";

const HURRY_MS = 120; // between images while an arrow key is held down
const PHONE = "(max-width: 40rem)"; // as in page.css
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const element = (id) => document.getElementById(id);

const runPromise = askJson("api/classes");
const idsPromise = runPromise.then(({ classes }) => idsOfColors(classes));
idsPromise.catch(() => {}); // start() shows the error
const scenes = new SceneCache(idsPromise);
const list = new ImageList(updateNeighbours);
let panels, legend, view;
let lastId = null; // of the image that was shown last, to which one returns from an upload
let showTimer;

async function start() {
  const run = await runPromise;
  legend = new Legend(run, (id) => panels.choose(id));
  panels = new Panels(run.classes, (ids) => legend.point(ids));
  view = new View(panels, legend, new Downloads(() => panels.overlay()), noteAnswer);
  describe(run);
  blend();
  receiveUploads(run.limits, showUpload, showError);
  addEventListener("hashchange", showAddressed);
  addEventListener("keydown", onKey);
  element("previous").addEventListener("click", () => go("previous"));
  element("next").addEventListener("click", () => go("next"));
  element("opacity").addEventListener("input", blend);
  element("images").open = !matchMedia(PHONE).matches;
  showAddressed();
  await list.load((first) => {
    if (first === null) showUploadsOnly();
    else if (idOfHash() === null && view.scene === null) {
      history.replaceState(null, "", hashOf(first));
      showAddressed();
    }
  });
}

function describe({ run, model, grouping, split, miou }) {
  element("run").textContent = run;
  const evaluated = miou === null ? "not evaluated" : miou.toFixed(4);
  const entries = { model, classes: grouping, ...(split === null ? {} : { split, mIoU: evaluated }) };
  for (const [term, value] of Object.entries(entries)) {
    const entry = document.createElement("div");
    entry.append(...["dt", "dd"].map((kind) => document.createElement(kind)));
    entry.firstChild.textContent = term;
    entry.lastChild.textContent = value;
    element("facts").append(entry);
  }
}

function showUploadsOnly() {
  element("images").hidden = true;
  if (view.scene !== null) return;
  panels.expect(false);
  element("panels").classList.add("idle");
  showStatus("No data set is served: upload an image, drop it here, or paste it.");
}

function showAddressed() {
  const id = idOfHash();
  if (id !== null) showImage(id);
}

function showImage(id, pauseMs = 0) {
  lastId = id;
  clearTimeout(showTimer);
  view.expect(id, true);
  list.show(id);
  updateNeighbours();
  const open = async () => {
    scenes.cancelExcept([id]);
    const isComplete = await view.show(scenes.open(id, showBusy), () => showImage(id));
    if (isComplete) scenes.prefetch(neighbours().next, id);
  };
  showTimer = pauseMs ? setTimeout(open, pauseMs) : open();
}

function showUpload(file) {
  history.pushState(null, "", "#"); // a link to this page would not have the image
  clearTimeout(showTimer);
  scenes.cancelExcept([]);
  list.show(null);
  view.expect(file.name || "pasted image", false);
  view.show(uploadScene(file, idsPromise, showBusy), () => showUpload(file));
  updateNeighbours();
}

function neighbours() {
  if (view.scene?.hasTarget === false) return { previous: lastId, next: lastId }; // back from an upload
  return list.neighbours(lastId) ?? { previous: view.answer?.previous ?? null, next: view.answer?.next ?? null };
}

function noteAnswer({ id, scores }) {
  if (scores) list.noteMiou(id, scores.miou);
  updateNeighbours();
}

function updateNeighbours() {
  const { previous, next } = neighbours();
  setEnabled(element("previous"), previous !== null);
  setEnabled(element("next"), next !== null);
}

/** direction: previous or next. A key that is held down adds no history, and loads no image that it passes. */
function go(direction, isHeld = false) {
  const id = neighbours()[direction];
  if (id === null) return;
  history[isHeld ? "replaceState" : "pushState"](null, "", hashOf(id));
  showImage(id, isHeld ? HURRY_MS : 0);
}

function onKey(event) {
  if (event.target.closest?.("input, select, textarea, dialog") || event.ctrlKey || event.altKey || event.metaKey) return;
  const [right, down] = ARROWS[event.key] ?? [0, 0];
  if (event.shiftKey && (right || down)) panels.crosshair.move(right, down);
  else if (!event.shiftKey && right) go(right > 0 ? "next" : "previous", event.repeat);
  else if (event.key === "/") list.startFilter();
  else if (event.key === "Escape") legend.choose(null);
  else return;
  event.preventDefault();
}

function blend() {
  const { value } = element("opacity");
  element("opacity-value").textContent = `${value} %`;
  panels.blend(value / 100);
}

start().catch((error) => showError(error.message, () => location.reload()));
