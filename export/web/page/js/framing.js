/** Boxes, similarities between a picture and a crop, and the crops themselves: as in Python. */

// Side of the square crop, in larger sides of the tight box around the 68 landmarks.
export const CROP_TO_BOX = 1.7;

/** Returns the similarity [a, b, x, c, d, y] from picture to crop pixels for a box and its roll. */
export function cropMatrix([x0, y0, x1, y1], size, roll = 0, share = CROP_TO_BOX) {
  const scale = size / (share * Math.max(x1 - x0, y1 - y0));
  return similarity([(x0 + x1) / 2, (y0 + y1) / 2], size, scale, roll);
}

/** Returns the similarity that brings a point to the middle of a square, enlarged and upright. */
export function similarity([x, y], size, scale, roll) {
  const cos = scale * Math.cos(roll);
  const sin = scale * Math.sin(roll);
  const middle = (size - 1) / 2;
  return [cos, sin, middle - cos * x - sin * y, -sin, cos, middle + sin * x - cos * y];
}

/** Moves points (x, y, x, y, ...) by a matrix. */
export function moved([a, b, x, c, d, y], points) {
  const result = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    result[i] = a * points[i] + b * points[i + 1] + x;
    result[i + 1] = c * points[i] + d * points[i + 1] + y;
  }
  return result;
}

/** Returns the matrix that undoes another. */
export function inverse([a, b, x, c, d, y]) {
  const determinant = a * d - b * c;
  const [p, q, r, s] = [d / determinant, -b / determinant, -c / determinant, a / determinant];
  return [p, q, -(p * x + q * y), r, s, -(r * x + s * y)];
}

/** Returns the matrix that does the first, then the second. */
export function joined([a, b, x, c, d, y], [p, q, s, r, t, u]) {
  return [
    p * a + q * c, p * b + q * d, p * x + q * y + s,
    r * a + t * c, r * b + t * d, r * x + t * y + u,
  ];
}

/** Returns by how many radians a crop is turned clockwise in its picture. */
export function rollOf([a, b]) {
  return Math.atan2(b, a);
}

/** Returns [x0, y0, x1, y1] around points. */
export function tightBox(points) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    box[0] = Math.min(box[0], points[i]);
    box[1] = Math.min(box[1], points[i + 1]);
    box[2] = Math.max(box[2], points[i]);
    box[3] = Math.max(box[3], points[i + 1]);
  }
  return box;
}

// A box that lies by more than this in another is a part of it.
const PART = 0.7;

/** Returns the area of a box. */
export function area([x0, y0, x1, y1]) {
  return Math.max(x1 - x0, 0) * Math.max(y1 - y0, 0);
}

/** Returns the area that two boxes share. */
function sharedArea(one, other) {
  return area([
    Math.max(one[0], other[0]), Math.max(one[1], other[1]),
    Math.min(one[2], other[2]), Math.min(one[3], other[3]),
  ]);
}

/** Says whether a box is a part of another one. */
export function isPart(box, whole) {
  return sharedArea(box, whole) > PART * area(box);
}

/** Returns the area that two boxes share, of their union. */
export function overlap(one, other) {
  const shared = sharedArea(one, other);
  return shared / Math.max(area(one) + area(other) - shared, 1e-9);
}

/**
 * Cuts a square or rectangle out of a picture: RGB levels, row by row; 0 outside of the picture.
 *
 * Where that makes it smaller, blocks of pixels are averaged first, so that nothing aliases.
 *
 * @param picture {width, height, data}: RGBA levels, such as an ImageData.
 * @param matrix from pixels of the picture to those of the result.
 */
export function cut(picture, matrix, width, height = width) {
  const back = inverse(matrix);
  const block = Math.max(1, Math.floor(Math.sqrt(Math.abs(back[0] * back[4] - back[1] * back[3]))));
  const corners = moved(back, [-1, -1, width, -1, -1, height, width, height]);
  const source = averaged(picture, tightBox(corners), block);
  // Small pixel i covers the pixels block·i to block·i + block − 1.
  const [a, b, x, c, d, y] = back;
  const shift = (block - 1) / 2;
  const [dx, dy] = [(x - shift) / block - source.left, (y - shift) / block - source.top];
  const result = new Uint8ClampedArray(width * height * 3);
  const { data, width: columns, height: rows } = source;
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 3) {
      const u = (a * column + b * row) / block + dx;
      const v = (c * column + d * row) / block + dy;
      const left = Math.floor(u);
      const top = Math.floor(v);
      if (left < -1 || top < -1 || left >= columns || top >= rows) continue;
      const right = u - left;
      const down = v - top;
      const inLeft = left >= 0;
      const inRight = left + 1 < columns;
      const inTop = top >= 0;
      const inDown = top + 1 < rows;
      const w00 = inLeft && inTop ? (1 - right) * (1 - down) : 0;
      const w01 = inRight && inTop ? right * (1 - down) : 0;
      const w10 = inLeft && inDown ? (1 - right) * down : 0;
      const w11 = inRight && inDown ? right * down : 0;
      const first = (top * columns + left) * 4;
      const i00 = w00 ? first : 0;
      const i01 = w01 ? first + 4 : 0;
      const i10 = w10 ? first + columns * 4 : 0;
      const i11 = w11 ? first + columns * 4 + 4 : 0;
      for (let k = 0; k < 3; k++) {
        result[at + k] =
          w00 * data[i00 + k] + w01 * data[i01 + k] + w10 * data[i10 + k] + w11 * data[i11 + k];
      }
    }
  }
  return result;
}

/** Returns the part of a picture in a box, with blocks of pixels averaged; left, top in blocks. */
export function averaged(picture, box, block) {
  if (block === 1) {
    const { data, width, height } = picture;
    return { data, width, height, left: 0, top: 0 };
  }
  const last = [Math.ceil(picture.width / block), Math.ceil(picture.height / block)];
  const clipped = (value, axis) => Math.min(Math.max(value, 0), last[axis]);
  const left = clipped(Math.floor(box[0] / block) - 1, 0);
  const top = clipped(Math.floor(box[1] / block) - 1, 1);
  const width = clipped(Math.floor(box[2] / block) + 3, 0) - left;
  const height = clipped(Math.floor(box[3] / block) + 3, 1) - top;
  if (width < 1 || height < 1) return { data: [], width: 0, height: 0, left, top };
  const data = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let [red, green, blue] = [0, 0, 0];
      for (let i = 0; i < block; i++) {
        // Beyond the border the last pixel goes on.
        const y = Math.min((top + row) * block + i, picture.height - 1);
        for (let j = 0; j < block; j++) {
          const x = Math.min((left + column) * block + j, picture.width - 1);
          const at = (y * picture.width + x) * 4;
          red += picture.data[at];
          green += picture.data[at + 1];
          blue += picture.data[at + 2];
        }
      }
      const at = (row * width + column) * 4;
      data[at] = red / block ** 2;
      data[at + 1] = green / block ** 2;
      data[at + 2] = blue / block ** 2;
    }
  }
  return { data, width, height, left, top };
}
