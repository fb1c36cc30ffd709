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
  const block = Math.max(1, Math.floor(spacing(face.points, grid, size)));
  const source = averaged(picture, tightBox(face.points), block);
  const { data, width, height } = source;
  const shift = (block - 1) / 2;
  const place = new Float64Array(2);
  const visible = new Float64Array(1);
  const texture = new Uint8ClampedArray(size * size * 3);
  const mask = new Uint8Array(size * size);
  for (let row = 0, at = 0; row < size; row++) {
    for (let column = 0; column < size; column++, at++) {
      const [down, right] = [row / (size - 1), column / (size - 1)];
      interpolate(face.mask, [face.rows, face.columns], 1, down, right, visible);
      if (visible[0] < 0.5) continue;
      interpolate(face.points, grid, 2, down, right, place);
      const [x, y] = place;
      if (x < 0 || y < 0 || x > picture.width - 1 || y > picture.height - 1) continue;
      const u = Math.min(Math.max((x - shift) / block - source.left, 0), width - 1);
      const v = Math.min(Math.max((y - shift) / block - source.top, 0), height - 1);
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const [a, b] = [u - left, v - top];
      const first = 4 * (top * width + left);
      const second = first + (left + 1 < width ? 4 : 0);
      const below = top + 1 < height ? 4 * width : 0;
      for (let k = 0; k < 3; k++) {
        const upper = (1 - a) * data[first + k] + a * data[second + k];
        const lower = (1 - a) * data[first + below + k] + a * data[second + below + k];
        texture[3 * at + k] = (1 - b) * upper + b * lower;
      }
      mask[at] = 1;
    }
  }
  return { texture, mask };
}

/** Writes what values of a grid are at a place, corners to corners of it from 0 to 1. */
function interpolate(values, [rows, columns], count, down, right, result) {
  const [v, u] = [down * (rows - 1), right * (columns - 1)];
  const top = Math.min(Math.floor(v), rows - 2);
  const left = Math.min(Math.floor(u), columns - 2);
  const [b, a] = [v - top, u - left];
  const first = count * (top * columns + left);
  const below = first + count * columns;
  for (let k = 0; k < count; k++) {
    const upper = (1 - a) * values[first + k] + a * values[first + count + k];
    const lower = (1 - a) * values[below + k] + a * values[below + count + k];
    result[k] = (1 - b) * upper + b * lower;
  }
}

/** Returns how far texels lie apart in the picture, about: from the area that all of them cover. */
function spacing(points, [rows, columns], size) {
  let sum = 0;
  for (let i = 0; i + 1 < rows; i++) {
    for (let j = 0; j + 1 < columns; j++) {
      const a = 2 * (i * columns + j);
      const [b, c, d] = [a + 2, a + 2 * columns, a + 2 * columns + 2];
      const falling = [points[d] - points[a], points[d + 1] - points[a + 1]];
      const rising = [points[b] - points[c], points[b + 1] - points[c + 1]];
      sum += Math.abs(falling[0] * rising[1] - falling[1] * rising[0]) / 2;
    }
  }
  return Math.sqrt(sum) / (size - 1);
}
