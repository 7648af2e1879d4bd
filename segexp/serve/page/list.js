/** The list of image ids of the split: filtered while one types, a page at a time, however many there are. */

import { askJson } from "./api.js";

const PAGE = 60;
const REQUEST = 500; // the most that the server gives at once
const element = (id) => document.getElementById(id);

export class ImageList {
  #ids = [];
  #total = 0;
  #matches = [];
  #start = 0;
  #current = null;
  #positions = new Map();
  #onChange;

  /** onChange(): called when the neighbours of an image may have changed. */
  constructor(onChange) {
    this.#onChange = onChange;
    element("filter").addEventListener("input", () => this.#filter());
    element("filter").addEventListener("keydown", ({ key }) => key === "Enter" && this.#openFirst());
    element("page-back").addEventListener("click", () => this.#turn(this.#start - PAGE));
    element("page-on").addEventListener("click", () => this.#turn(this.#start + PAGE));
  }

  /** Load the ids, a few hundred at a time. onFirst(id | null): called with the first, long before the last is there. */
  async load(onFirst) {
    let url = `api/images?offset=0&limit=${REQUEST}`;
    while (url) {
      const answer = await askJson(url);
      this.#ids.push(...answer.images.map(({ id }) => id));
      this.#total = answer.total;
      if (answer.offset === 0) onFirst(this.#ids[0] ?? null);
      url = answer.images.length ? answer.next : null;
      this.#filter();
    }
  }

  /** Return {previous, next} among the images that match the filter; undefined for one that does not, or is unknown. */
  neighbours(id) {
    const index = this.#positions.get(id);
    if (index === undefined) return undefined;
    const isLastKnown = index === this.#matches.length - 1 && this.#ids.length < this.#total;
    if (isLastKnown) return undefined;
    return { previous: this.#matches[index - 1] ?? null, next: this.#matches[index + 1] ?? null };
  }

  /** Mark an image, and turn to the page that has it. */
  show(id) {
    this.#current = id;
    const index = this.#positions.get(id) ?? this.#start;
    const page = PAGE * Math.floor(index / PAGE);
    page === this.#start ? this.#mark() : this.#turn(page);
  }

  #filter() {
    const words = element("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const isMatch = (id) => words.every((word) => id.toLowerCase().includes(word));
    this.#matches = words.length ? this.#ids.filter(isMatch) : this.#ids;
    this.#positions = new Map(this.#matches.map((id, index) => [id, index]));
    this.#turn(PAGE * Math.floor((this.#positions.get(this.#current) ?? 0) / PAGE));
    this.#onChange();
  }

  #openFirst() {
    if (this.#matches.length) location.hash = hashOf(this.#matches[0]);
  }

  #turn(start) {
    if (start < 0 || (start > 0 && start >= this.#matches.length)) return;
    this.#start = start;
    const ids = this.#matches.slice(start, start + PAGE);
    const links = [...element("ids").querySelectorAll("a")];
    if (ids.length !== links.length || ids.some((id, index) => links[index].dataset.id !== id)) {
      element("ids").replaceChildren(...ids.map(row)); // only if they changed, as a link with the focus would lose it
    }
    const length = element("filter").value.trim() ? this.#matches.length : this.#total;
    const end = Math.min(length, start + PAGE);
    this.#showRange(length ? `${start + 1}–${end} of ${length}` : "no image has this in its name");
    setEnabled(element("page-back"), start > 0);
    setEnabled(element("page-on"), end < this.#matches.length);
    this.#mark();
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

function row(id) {
  const link = Object.assign(document.createElement("a"), { href: hashOf(id), textContent: id, title: id });
  link.dataset.id = id;
  const item = document.createElement("li");
  item.append(link);
  return item;
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
