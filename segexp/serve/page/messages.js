/** What the page says in words: how things stand, and what went wrong. Both are read out by screen readers. */

const element = (id) => document.getElementById(id);

export function tell(text) {
  element("status").textContent = text || "\u00a0"; // so that nothing below it moves
}

export function tellBusy(seconds) {
  tell(`The server is busy; asking again in ${seconds} s.`);
}

/** again(): what to do if the user wants it tried again; null if that would not help. */
export function complain(message, again = null) {
  tell("");
  element("alert").hidden = false;
  element("alert").firstElementChild.textContent = message;
  element("again").hidden = again === null;
  element("again").onclick = again;
  element("panels").classList.add("idle");
}

export function forgetComplaint() {
  element("alert").hidden = true;
  element("panels").classList.remove("idle");
}
