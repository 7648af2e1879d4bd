/** The bearer token: asked for once in a dialog, kept as long as this tab is open. */

const KEY = "segexp-token";
const WANTED = "Whoever started it can tell you: it is what SEGEXP_TOKEN or token= was set to.";
const element = (id) => document.getElementById(id);
let asking = null;

export const token = () => sessionStorage.getItem(KEY);

/** Resolves when there is a token other than the one that was refused; throws if the dialog is cancelled. */
export async function askForToken(refused) {
  if (token() !== refused) return; // another request has asked meanwhile
  asking ??= answer(refused ? "That token was not accepted." : WANTED).finally(() => (asking = null));
  await asking;
}

function answer(said) {
  const dialog = element("token");
  element("token-said").textContent = said;
  element("token-value").value = "";
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault(); // form-action 'none'
      sessionStorage.setItem(KEY, element("token-value").value.trim());
      resolve();
      dialog.close();
    };
    element("token-cancel").onclick = () => dialog.close();
    dialog.onclose = () => reject(new Error("Nothing can be shown without the token of this server."));
  });
}
