/** Requests to the server: send its token, wait while it is busy, and pass on its message when it refuses. */

import { askForToken, token } from "./token.js";

const LONGEST_WAIT_SECONDS = 60;

/** Resolve to the Response of a request that was granted; throw an Error with the server's message otherwise.
 *
 * request: what fetch takes. onBusy(seconds): called when the server is busy, and will be asked again after so long.
 */
export async function ask(url, { onBusy = () => {}, ...request } = {}) {
  for (;;) {
    const used = token();
    const response = await fetchOrExplain(url, used ? { ...request, headers: { Authorization: `Bearer ${used}` } } : request);
    if (response.ok) return response;
    if (response.status === 401) {
      await askForToken(used);
    } else if (response.status === 503) {
      const seconds = secondsToWait(response.headers.get("Retry-After"));
      onBusy(seconds);
      await pause(seconds, request.signal);
    } else {
      throw new Error(await errorMessage(response));
    }
  }
}

export async function askJson(url, request) {
  return (await ask(url, request)).json();
}

async function fetchOrExplain(url, request) {
  try {
    return await fetch(url, request);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("No answer from the server. Is python -m segexp.serve still running?", { cause: error });
  }
}

async function errorMessage(response) {
  const body = await response.json().catch(() => null); // a proxy in between may answer in HTML
  return body?.error?.message ?? `The server answered ${response.status} ${response.statusText}`.trim();
}

/** Retry-After is a number of seconds or a date (RFC 9110, 10.2.3). */
export function secondsToWait(header) {
  const seconds = /^\d+$/.test(header ?? "") ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Math.min(LONGEST_WAIT_SECONDS, Math.max(1, Math.ceil(seconds) || 1));
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
