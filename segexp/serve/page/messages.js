/** The status and the errors that the page shows. Both are read out by screen readers. */

const element = (id) => document.getElementById(id);

export function showStatus(text) {
  element("status").textContent = text || "\u00a0"; // so that nothing below it moves
}

export function showBusy(seconds) {
  showStatus(`The server is busy; retrying in ${seconds} s.`);
}

/** retry(): called if the user wants to try again; null if that would not help. */
export function showError(message, retry = null) {
  showStatus("");
  element("alert").hidden = false;
  element("alert").firstElementChild.textContent = message;
  element("again").hidden = retry === null;
  element("again").onclick = retry;
  element("panels").classList.add("idle");
}

export function hideError() {
  element("alert").hidden = true;
  element("panels").classList.remove("idle");
}
