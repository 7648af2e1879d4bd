/** The page of `python -m segexp.serve`: shows the image that the address names, and moves on from there. */

import { askJson } from "./api.js";
import { Legend } from "./legend.js";
import { ImageList, hashOf, idOfHash, offer } from "./list.js";
import { complain, tell, tellBusy } from "./messages.js";
import { Panels } from "./panels.js";
import { idsOfColors } from "./pixels.js";
import { Scenes, uploaded } from "./scene.js";
import { receivePhotos } from "./upload.js";
import { View } from "./view.js";

const HURRY_MS = 120; // between pictures while an arrow key is held down
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const element = (id) => document.getElementById(id);

const facts = askJson("api/classes");
const colors = facts.then(({ classes }) => idsOfColors(classes));
colors.catch(() => {}); // whoever waits for facts tells
const scenes = new Scenes(colors);
const list = new ImageList(offerNeighbours);
let panels, legend, view;
let lastId = null; // of the image that was looked at last: where an upload is left to
let waiting;

async function start() {
  const told = await facts;
  legend = new Legend(told, (id) => panels.highlight(id));
  panels = new Panels(told.classes, (ids) => legend.point(ids));
  view = new View(panels, legend, offerNeighbours);
  describe(told);
  blend();
  receivePhotos(told.limits, showUpload, complain);
  addEventListener("hashchange", showAddressed);
  addEventListener("keydown", onKey);
  element("previous").addEventListener("click", () => go("previous"));
  element("next").addEventListener("click", () => go("next"));
  element("opacity").addEventListener("input", blend);
  showAddressed();
  await list.load((first) => {
    if (first === null) offerUploadsAlone();
    else if (idOfHash() === null && view.scene === null) {
      history.replaceState(null, "", hashOf(first));
      showAddressed();
    }
  });
}

function describe({ run, model, grouping, split, miou }) {
  element("run").textContent = run;
  const evaluated = miou === null ? "not evaluated" : miou.toFixed(4);
  const entries = { model, classes: grouping, ...(split === null ? {} : { split, "mean IoU": evaluated }) };
  for (const [term, value] of Object.entries(entries)) {
    const entry = document.createElement("div");
    entry.append(...["dt", "dd"].map((kind) => document.createElement(kind)));
    entry.firstChild.textContent = term;
    entry.lastChild.textContent = value;
    element("facts").append(entry);
  }
}

function offerUploadsAlone() {
  element("images").hidden = true;
  if (view.scene !== null) return;
  panels.expect(false);
  element("panels").classList.add("idle");
  tell("This server shows no data set; upload a photo, drop it here, or paste it.");
}

function showAddressed() {
  const id = idOfHash();
  if (id !== null) showImage(id);
}

function showImage(id, pauseMs = 0) {
  lastId = id;
  clearTimeout(waiting);
  view.expect(id, true);
  list.show(id);
  offerNeighbours();
  const open = async () => {
    scenes.leaveAll([id]);
    const isComplete = await view.show(scenes.open(id, tellBusy), () => showImage(id));
    if (isComplete) scenes.prefetch(neighbours().next, id);
  };
  waiting = pauseMs ? setTimeout(open, pauseMs) : open();
}

function showUpload(file) {
  history.pushState(null, "", "#"); // a link to this page would not have the photo
  clearTimeout(waiting);
  scenes.leaveAll([]);
  list.show(null);
  view.expect(file.name || "pasted photo", false);
  view.show(uploaded(file, colors, tellBusy), () => showUpload(file));
  offerNeighbours();
}

function neighbours() {
  if (view.scene?.hasTruth === false) return { previous: lastId, next: lastId }; // back from an upload
  return list.neighbours(lastId) ?? { previous: view.answer?.previous ?? null, next: view.answer?.next ?? null };
}

function offerNeighbours() {
  const { previous, next } = neighbours();
  offer(element("previous"), previous !== null);
  offer(element("next"), next !== null);
}

/** way: previous or next. A key that is held down leaves no trail in the history, and asks for no picture it passes. */
function go(way, isHeld = false) {
  const id = neighbours()[way];
  if (id === null) return;
  history[isHeld ? "replaceState" : "pushState"](null, "", hashOf(id));
  showImage(id, isHeld ? HURRY_MS : 0);
}

function onKey(event) {
  if (event.target.closest?.("input, select, textarea, dialog") || event.ctrlKey || event.altKey || event.metaKey) return;
  const [right, down] = ARROWS[event.key] ?? [0, 0];
  if (event.shiftKey && (right || down)) panels.crosshair.move(right, down);
  else if (!event.shiftKey && right) go(right > 0 ? "next" : "previous", event.repeat);
  else if (event.key === "/") element("filter").focus();
  else if (event.key === "Escape") legend.choose(null);
  else return;
  event.preventDefault();
}

function blend() {
  const { value } = element("opacity");
  element("opacity-value").textContent = `${value} %`;
  panels.blend(value / 100);
}

start().catch((error) => complain(error.message, () => location.reload()));
