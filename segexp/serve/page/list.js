/** The list of images of the split: filtered while one types, sorted, a page at a time, however many there are. */

import { askJson } from "./api.js";
import { formatScore } from "./legend.js";
import { Thumbnails } from "./thumbnails.js";

const PAGE = 60;
const REQUEST = 500; // the most that the server gives at once
const element = (id) => document.getElementById(id);

export class ImageList {
  #images = []; // {id, thumbnail, miou} in the order of the split
  #total = 0;
  #matches = [];
  #start = 0;
  #current = null;
  #positions = new Map();
  #thumbnails = new Thumbnails();
  #onChange;

  /** onChange(): called when the neighbours of an image may have changed. */
  constructor(onChange) {
    this.#onChange = onChange;
    element("filter").addEventListener("input", () => this.#arrange());
    element("filter").addEventListener("keydown", ({ key }) => key === "Enter" && this.#openFirst());
    element("sort").addEventListener("change", () => (this.#arrange(), this.#turn(0)));
    element("page-back").addEventListener("click", () => this.#turn(this.#start - PAGE));
    element("page-on").addEventListener("click", () => this.#turn(this.#start + PAGE));
  }

  /** Load the list, a few hundred at a time. onFirst(id | null): called with the first, long before the last is there. */
  async load(onFirst) {
    let url = `api/images?offset=0&limit=${REQUEST}`;
    while (url) {
      const answer = await askJson(url);
      this.#images.push(...answer.images);
      this.#total = answer.total;
      if (answer.offset === 0) onFirst(this.#images[0]?.id ?? null);
      url = answer.images.length ? answer.next : null;
      this.#arrange();
    }
  }

  /** Return {previous, next} among the images that match the filter; undefined for one that does not, or is unknown. */
  neighbours(id) {
    const index = this.#positions.get(id);
    if (index === undefined) return undefined;
    const isLastKnown = index === this.#matches.length - 1 && this.#images.length < this.#total;
    if (isLastKnown) return undefined;
    return { previous: this.#matches[index - 1]?.id ?? null, next: this.#matches[index + 1]?.id ?? null };
  }

  /** Mark an image, and turn to the page that has it. */
  show(id) {
    this.#current = id;
    const index = this.#positions.get(id) ?? this.#start;
    const page = PAGE * Math.floor(index / PAGE);
    page === this.#start ? this.#mark() : this.#turn(page);
  }

  /** Note the mIoU of an image that was just predicted; it keeps its place until the list is sorted again. */
  noteMiou(id, miou) {
    const image = this.#matches[this.#positions.get(id)] ?? this.#images.find((each) => each.id === id);
    if (image) image.miou = miou;
    const row = [...element("ids").children].find((each) => each.firstChild.dataset.id === id);
    if (row) row.querySelector(".miou").textContent = describeMiou(miou);
  }

  startFilter() {
    element("images").open = true;
    element("filter").focus();
  }

  #arrange() {
    const words = element("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    this.#matches = this.#images.filter(({ id }) => words.every((word) => id.toLowerCase().includes(word)));
    const isSorted = element("sort").value === "worst";
    if (isSorted) this.#matches.sort((a, b) => (a.miou ?? 2) - (b.miou ?? 2)); // without an mIoU last
    this.#positions = new Map(this.#matches.map(({ id }, index) => [id, index]));
    this.#sayUnscored(isSorted ? this.#matches.filter(({ miou }) => miou === null).length : 0);
    this.#turn(PAGE * Math.floor((this.#positions.get(this.#current) ?? 0) / PAGE));
    this.#onChange();
  }

  #sayUnscored(number) {
    element("unscored").hidden = number === 0;
    element("unscored").textContent =
      `The mIoU of ${number} of ${this.#matches.length} images is unknown, so they come last. ` +
      "To sort all, run python -m segexp.evaluate run=RUN and restart this server.";
  }

  #openFirst() {
    if (this.#matches.length) location.hash = hashOf(this.#matches[0].id);
  }

  #turn(start) {
    if (start < 0 || (start > 0 && start >= this.#matches.length)) return;
    this.#start = start;
    const images = this.#matches.slice(start, start + PAGE);
    const links = [...element("ids").querySelectorAll("a")];
    if (images.length !== links.length || images.some(({ id }, index) => links[index].dataset.id !== id)) {
      this.#thumbnails.clear();
      element("ids").replaceChildren(...images.map((each) => this.#row(each))); // only if changed, to keep the focus
    }
    const length = element("filter").value.trim() ? this.#matches.length : this.#total;
    const end = Math.min(length, start + PAGE);
    this.#showRange(length ? `${start + 1}–${end} of ${length}` : "no matching image");
    setEnabled(element("page-back"), start > 0);
    setEnabled(element("page-on"), end < this.#matches.length);
    this.#mark();
  }

  #row({ id, thumbnail, miou }) {
    const link = Object.assign(document.createElement("a"), { href: hashOf(id) });
    link.dataset.id = id;
    const image = Object.assign(new Image(), { alt: "" });
    this.#thumbnails.add(image, thumbnail);
    link.append(image, span("id", ...breakable(id)), span("miou", describeMiou(miou)));
    const item = document.createElement("li");
    item.append(link);
    return item;
  }

  #showRange(text) {
    if (element("range").textContent !== text) element("range").textContent = text; // else it would be read out again
  }

  #mark() {
    for (const link of element("ids").querySelectorAll("a")) {
      link.dataset.id === this.#current
        ? link.setAttribute("aria-current", "true")
        : link.removeAttribute("aria-current");
    }
  }
}

function span(className, ...content) {
  const element = Object.assign(document.createElement("span"), { className });
  element.append(...content);
  return element;
}

/** A name that is broken after a separator, rather than within a number, where it needs two lines. */
function breakable(name) {
  return name.split(/(?<=[_./-])/).flatMap((part) => [part, document.createElement("wbr")]);
}

function describeMiou(miou) {
  return `mIoU ${formatScore(miou)}`;
}

/** Enable or disable a button that keeps the focus: `disabled` would move that to the page's start. */
export function setEnabled(button, isEnabled) {
  button.setAttribute("aria-disabled", String(!isEnabled));
}

export function hashOf(id) {
  return `#id=${encodeURIComponent(id)}`;
}

/** The id of the image that the address names, or null. */
export function idOfHash() {
  return new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("id");
}
