/** Images that the user uploads: chosen, dropped anywhere, or pasted. */

const element = (id) => document.getElementById(id);

/** limits.bytes: of a file. onImage(file): called for an image. onRefusal(message): called where there is none. */
export function receiveUploads(limits, onImage, onRefusal) {
  const receive = (files) => {
    const image = [...files].find((file) => file.type.startsWith("image/")) ?? files[0];
    if (!image) onRefusal("None of these files is an image.");
    else if (image.size > limits.bytes) onRefusal(tooLargeMessage(image, limits.bytes));
    else onImage(image);
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

function tooLargeMessage(image, bytes) {
  const megabytes = (size) => `${(size / 1e6).toFixed(1)} MB`;
  return `${image.name} has ${megabytes(image.size)}; the limit is ${megabytes(bytes)}. Make it smaller.`;
}
