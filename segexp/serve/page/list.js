/** Ids of the split's images: filtered as one types, a page of them at a time, however many there are. */

import { askJson } from "./api.js";

const PAGE = 60;
const REQUEST = 500; // the most that the server gives at once
const element = (id) => document.getElementById(id);

export class ImageList {
  #ids = [];
  #total = 0;
  #matches = [];
  #start = 0;
  #shown = null;
  #places = new Map();
  #onChange;

  /** onChange(): neighbours may be others now. */
  constructor(onChange) {
    this.#onChange = onChange;
    element("filter").addEventListener("input", () => this.#filter());
    element("filter").addEventListener("keydown", ({ key }) => key === "Enter" && this.#openFirst());
    element("page-back").addEventListener("click", () => this.#turn(this.#start - PAGE));
    element("page-on").addEventListener("click", () => this.#turn(this.#start + PAGE));
  }

  /** Ask for the ids, a few hundred at a time. onFirst(id | null): the first of them is there, long before the last. */
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

  /** {previous, next} among the images that match the filter; undefined for an image that does not, or is not known. */
  neighbours(id) {
    const place = this.#places.get(id);
    if (place === undefined) return undefined;
    const isLastKnown = place === this.#matches.length - 1 && this.#ids.length < this.#total;
    if (isLastKnown) return undefined;
    return { previous: this.#matches[place - 1] ?? null, next: this.#matches[place + 1] ?? null };
  }

  /** Mark an image, and turn to the page that has it. */
  show(id) {
    this.#shown = id;
    const place = this.#places.get(id) ?? this.#start;
    const page = PAGE * Math.floor(place / PAGE);
    page === this.#start ? this.#mark() : this.#turn(page);
  }

  #filter() {
    const words = element("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const isMatch = (id) => words.every((word) => id.toLowerCase().includes(word));
    this.#matches = words.length ? this.#ids.filter(isMatch) : this.#ids;
    this.#places = new Map(this.#matches.map((id, place) => [id, place]));
    this.#turn(PAGE * Math.floor((this.#places.get(this.#shown) ?? 0) / PAGE));
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
    if (ids.length !== links.length || ids.some((id, place) => links[place].dataset.id !== id)) {
      element("ids").replaceChildren(...ids.map(row)); // only then, as a link that has the focus would lose it
    }
    const length = element("filter").value.trim() ? this.#matches.length : this.#total;
    const end = Math.min(length, start + PAGE);
    this.#tell(length ? `${start + 1}–${end} of ${length}` : "no image has this in its name");
    offer(element("page-back"), start > 0);
    offer(element("page-on"), end < this.#matches.length);
    this.#mark();
  }

  #tell(text) {
    if (element("range").textContent !== text) element("range").textContent = text; // else it would be read out again
  }

  #mark() {
    for (const link of element("ids").querySelectorAll("a")) {
      link.dataset.id === this.#shown
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

/** Whether a button does anything. It keeps the focus when it does not: `disabled` would drop that at the page's start. */
export function offer(button, isOffered) {
  button.setAttribute("aria-disabled", String(!isOffered));
}

export function hashOf(id) {
  return `#id=${encodeURIComponent(id)}`;
}

/** The image that the address names, or null. */
export function idOfHash() {
  return new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("id");
}
