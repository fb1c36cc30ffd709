/** Files for the person to keep. */

/** Returns the picture of a canvas as a PNG. */
export function pngOf(canvas) {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Saves bytes under a name, as the browser saves downloads. */
export function save(content, name, type = content.type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
