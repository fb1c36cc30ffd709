/** The texture of a face, sampled from the picture itself: finer than the network's own. */

import { averaged, tightBox } from "./framing.js";

/**
 * Samples a picture between the vertices of a face.
 *
 * What is known at the vertices is interpolated between them: places in the picture, and
 * visibility, which has to be one half at least.
 *
 * @param face with `points` of the vertices in the picture, `mask`, and its `rows` and `columns`.
 * @param grid rows and columns of the vertices.
 * @param size rows and columns of the texture.
 * @returns {texture, mask}: RGB levels, black where hidden, and 1 where seen.
 */
export function sampledTexture(picture, face, grid, size) {
  const points = refined(face.points, grid, 2, size);
  const visible = refined(face.mask, [face.rows, face.columns], 1, size);
  const block = Math.max(1, Math.floor(spacing(face.points, grid, size)));
  const { data, width, height, left, top } = averaged(picture, tightBox(face.points), block);
  const shift = (block - 1) / 2;
  const [right, bottom] = [picture.width - 1, picture.height - 1];
  const texture = new Uint8ClampedArray(size * size * 3);
  const mask = new Uint8Array(size * size);
  for (let at = 0; at < mask.length; at++) {
    const x = points[2 * at];
    const y = points[2 * at + 1];
    if (visible[at] < 0.5 || x < 0 || y < 0 || x > right || y > bottom) continue;
    mask[at] = 1;
    const u = Math.min(Math.max((x - shift) / block - left, 0), width - 1);
    const v = Math.min(Math.max((y - shift) / block - top, 0), height - 1);
    const column = Math.floor(u);
    const row = Math.floor(v);
    const a = u - column;
    const b = v - row;
    const first = 4 * (row * width + column);
    const next = column + 1 < width ? 4 : 0;
    const below = first + (row + 1 < height ? 4 * width : 0);
    for (let k = 0; k < 3; k++) {
      const upper = (1 - a) * data[first + k] + a * data[first + next + k];
      const lower = (1 - a) * data[below + k] + a * data[below + next + k];
      texture[3 * at + k] = (1 - b) * upper + b * lower;
    }
  }
  return { texture, mask };
}

/** Interpolates `count` values for each place of a grid to size × size places, corners to corners. */
function refined(values, [rows, columns], count, size) {
  const wide = new Float32Array(rows * size * count);
  const step = (columns - 1) / (size - 1);
  for (let column = 0; column < size; column++) {
    const left = Math.min(Math.floor(column * step), columns - 2);
    const a = column * step - left;
    for (let row = 0; row < rows; row++) {
      const from = count * (row * columns + left);
      const to = count * (row * size + column);
      for (let k = 0; k < count; k++) {
        wide[to + k] = (1 - a) * values[from + k] + a * values[from + count + k];
      }
    }
  }
  const result = new Float32Array(size * size * count);
  const line = size * count;
  for (let row = 0; row < size; row++) {
    const place = (row * (rows - 1)) / (size - 1);
    const top = Math.min(Math.floor(place), rows - 2);
    const b = place - top;
    for (let i = 0; i < line; i++) {
      result[row * line + i] = (1 - b) * wide[top * line + i] + b * wide[(top + 1) * line + i];
    }
  }
  return result;
}

/** Returns how far texels lie apart in the picture, about: from the area that all of them cover. */
function spacing(points, [rows, columns], size) {
  let sum = 0;
  for (let i = 0; i + 1 < rows; i++) {
    for (let j = 0; j + 1 < columns; j++) {
      const a = 2 * (i * columns + j);
      const b = a + 2;
      const c = a + 2 * columns;
      const d = c + 2;
      const falling = (points[d] - points[a]) * (points[b + 1] - points[c + 1]);
      const rising = (points[d + 1] - points[a + 1]) * (points[b] - points[c]);
      sum += Math.abs(falling - rising) / 2;
    }
  }
  return Math.sqrt(sum) / (size - 1);
}
