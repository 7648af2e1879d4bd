/** The bearer token: asked for once in a dialog, kept as long as this tab is open. */

const KEY = "segexp-token";
const WHERE_TO_ASK = "The token is the value of SEGEXP_TOKEN or token= with which the server was started.";
const element = (id) => document.getElementById(id);
let openDialog = null;

export const token = () => sessionStorage.getItem(KEY);

/** Resolve when there is a token other than the one that was refused; throw if the dialog is cancelled. */
export async function askForToken(refused) {
  if (token() !== refused) return; // another request has asked meanwhile
  openDialog ??= askOnce(refused ? "This token was not accepted." : WHERE_TO_ASK).finally(() => (openDialog = null));
  await openDialog;
}

function askOnce(text) {
  const dialog = element("token");
  element("token-said").textContent = text;
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
    dialog.onclose = () => reject(new Error("Without the access token nothing can be shown."));
  });
}
