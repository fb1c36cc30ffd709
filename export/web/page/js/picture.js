/** Pictures from files, the clipboard and addresses: drawn on a canvas, with their levels. */

import { Problem } from "./problem.js";

// Larger pictures are shrunk: no network sees more of a face, and phones have little memory.
const LARGEST_SIDE = 2048;

/** Draws a picture on a canvas, upright, and returns its levels: an ImageData. */
export async function drawPicture(blob, name, canvas) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" });
  } catch (error) {
    throw new Problem(`${name} is not a picture that this browser can read.`, error);
  }
  const shrink = Math.min(1, LARGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) =>
    Math.max(1, Math.round(side * shrink)),
  );
  const picture = drawn(bitmap, canvas, width, height);
  bitmap.close();
  return picture;
}

/** Draws an image or a frame of a video on a canvas, and returns its levels. */
export function drawn(image, canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/** Returns the file of a drop or a paste; a Problem if there is none. */
export function fileOf(transfer) {
  const [file] = transfer.files;
  if (!file) throw new Problem("That holds no picture: drop or paste the file of one.");
  return file;
}
