/** Photos that the user brings: chosen, dropped anywhere, or pasted. */

const element = (id) => document.getElementById(id);

/** limits.bytes: of a photo. onPhoto(file): one was brought. onRefusal(message): what was brought is none. */
export function receivePhotos(limits, onPhoto, onRefusal) {
  const receive = (files) => {
    const photo = [...files].find((file) => file.type.startsWith("image/")) ?? files[0];
    if (!photo) onRefusal("There is no photo in what was dropped.");
    else if (photo.size > limits.bytes) onRefusal(tooLarge(photo, limits.bytes));
    else onPhoto(photo);
  };
  element("upload").addEventListener("click", () => element("file").click());
  element("file").addEventListener("change", (event) => {
    if (event.target.files.length) receive(event.target.files);
    event.target.value = ""; // the same file may be chosen again
  });
  const showDragged = (isDragged) => document.body.classList.toggle("dragged", isDragged);
  addEventListener("dragover", (event) => {
    event.preventDefault(); // or the browser would open the file itself
    showDragged(event.dataTransfer.types.includes("Files"));
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? showDragged(false)); // null: out of the window
  addEventListener("drop", (event) => {
    event.preventDefault();
    showDragged(false);
    receive(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) receive(event.clipboardData.files);
  });
}

function tooLarge(photo, bytes) {
  const megabytes = (size) => `${(size / 1e6).toFixed(1)} MB`;
  return `${photo.name} has ${megabytes(photo.size)}; this server takes up to ${megabytes(bytes)}. Make it smaller.`;
}
