/** Pictures of a face: mesh and landmarks on the photograph, its texture and its mask. */

// First and last of the points that a line joins, and whether it is closed.
const LINES = [
  [0, 16, false], [17, 21, false], [22, 26, false], [27, 30, false], [31, 35, false],
  [36, 41, true], [42, 47, true], [48, 59, true], [60, 67, true],
];
const LANDMARKS = "rgb(255, 60, 60)";
const MESH = "rgba(90, 200, 255, 0.55)";
// Lines of the mesh are about so many pixels apart.
const LINE_DISTANCE = 9;

/**
 * Draws faces over a picture.
 *
 * @param context of a canvas that shows the picture `zoom` times as large.
 * @param what {mesh, landmarks}: which of the two.
 * @param width of lines, in pixels of the canvas.
 */
export function drawFace(context, face, grid, what, zoom, width) {
  const place = (points, n) => points.slice(2 * n, 2 * n + 2).map((value) => (value + 0.5) * zoom);
  context.lineWidth = width;
  context.lineJoin = "round";
  if (what.mesh) drawMesh(context, face, grid, zoom, place);
  // Other sets of landmarks than the 68 have no lines.
  if (what.landmarks) drawLandmarks(context, face.landmarks, place, width);
}

function drawMesh(context, { points, seen, box }, [height, width], zoom, place) {
  const size = Math.max(box[2] - box[0], box[3] - box[1]) * zoom;
  const step = Math.max(1, Math.round((LINE_DISTANCE * Math.max(height, width)) / size));
  context.beginPath();
  const line = (count, vertex) => {
    let down = false;
    for (let i = 0; i < count; i++) {
      const n = vertex(i);
      if (seen[n]) context[down ? "lineTo" : "moveTo"](...place(points, n));
      down = Boolean(seen[n]);
    }
  };
  for (let i = 0; i < height; i += step) line(width, (j) => i * width + j);
  for (let j = 0; j < width; j += step) line(height, (i) => i * width + j);
  context.strokeStyle = MESH;
  context.stroke();
}

function drawLandmarks(context, landmarks, place, width) {
  context.strokeStyle = context.fillStyle = LANDMARKS;
  context.beginPath();
  for (const [first, last, closed] of landmarks.length === 2 * 68 ? LINES : []) {
    context.moveTo(...place(landmarks, first));
    for (let n = first + 1; n <= last; n++) context.lineTo(...place(landmarks, n));
    if (closed) context.lineTo(...place(landmarks, first));
  }
  context.stroke();
  context.beginPath();
  for (let n = 0; n < landmarks.length / 2; n++) {
    const [x, y] = place(landmarks, n);
    context.moveTo(x, y);
    context.arc(x, y, 1.6 * width, 0, 2 * Math.PI);
  }
  context.fill();
}

/** Draws a texture on a canvas; transparent where hidden. */
export function drawTexture(canvas, texture) {
  Object.assign(canvas, { width: texture.width, height: texture.height });
  canvas.getContext("2d").putImageData(texture, 0, 0);
}

/** Returns the texture of a face as an ImageData; with what is hidden filled, if asked for. */
export function textureOf(face, isFilled) {
  const { rows, columns, texture, mask } = face;
  const data = new Uint8ClampedArray(rows * columns * 4);
  const average = isFilled ? averageOf(texture, mask) : [0, 0, 0];
  for (let texel = 0; texel < rows * columns; texel++) {
    const column = texel % columns;
    const mirrored = texel - column + (columns - 1 - column);
    const from = mask[texel] > 0.5 ? texel : isFilled && mask[mirrored] > 0.5 ? mirrored : -1;
    for (let k = 0; k < 3; k++) data[4 * texel + k] = from < 0 ? average[k] : texture[3 * from + k];
    data[4 * texel + 3] = mask[texel] > 0.5 || isFilled ? 255 : 0;
  }
  return new ImageData(data, columns, rows);
}

/** Returns the mask of a face as an ImageData: white where seen. */
export function maskOf({ rows, columns, mask }) {
  const data = new Uint8ClampedArray(rows * columns * 4);
  mask.forEach((value, texel) => data.fill(255 * value, 4 * texel, 4 * texel + 3));
  for (let at = 3; at < data.length; at += 4) data[at] = 255;
  return new ImageData(data, columns, rows);
}

function averageOf(texture, mask) {
  const sums = [0, 0, 0];
  let count = 0;
  mask.forEach((value, texel) => {
    if (value < 0.5) return;
    count++;
    for (let k = 0; k < 3; k++) sums[k] += texture[3 * texel + k];
  });
  return sums.map((sum) => sum / Math.max(count, 1));
}
