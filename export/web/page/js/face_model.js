/** The face model: from the parameters of the network to a mesh, and where that lies in a crop. */

// The rotation comes as an axis times an angle, then place, logarithm of the scale, coefficients.
const POSE = 6;
// Nearer than this many millimetres the perspective camera goes on along its tangent.
const NEAREST_DEPTH = 10;

export class FaceModel {
  /**
   * @param about of the site's description: grid, modes, rank, scales, triangles' halves, camera.
   * @param content of the file: mean, rows and columns, core, as 16-bit integers with scales.
   */
  constructor(about, content) {
    Object.assign(this, about);
    const [height, width] = this.grid;
    let at = 0;
    const next = (count) => {
      const part = new Int16Array(content, 2 * at, count);
      at += count;
      return part;
    };
    this.count = height * width;
    this.mean = scaled(next(3 * this.count), this.scales.mean);
    this.rows = scaled(next(height * this.rank[0]), this.scales.rows);
    this.columns = scaled(next(width * this.rank[1]), this.scales.columns);
    this.core = next(this.modes * 3 * this.rank[0] * this.rank[1]);
  }

  /** Returns the vertices x, y, z of a face, millimetres: x right, y down, z away from the viewer. */
  vertices(parameters) {
    const [height, width] = this.grid;
    const [rowRank, columnRank] = this.rank;
    const { rows, columns } = this;
    const mixed = this.mixedCore(parameters);
    const result = Float32Array.from(this.mean);
    const spread = new Float32Array(columnRank);
    for (let k = 0; k < 3; k++) {
      for (let i = 0; i < height; i++) {
        for (let b = 0; b < columnRank; b++) {
          spread[b] = product(mixed, (k * columnRank + b) * rowRank, rows, i * rowRank, rowRank);
        }
        for (let j = 0; j < width; j++) {
          result[3 * (i * width + j) + k] += product(spread, 0, columns, j * columnRank, columnRank);
        }
      }
    }
    return result;
  }

  /** Returns the core (3, columns' rank, rows' rank), its modes summed with their coefficients. */
  mixedCore(parameters) {
    const size = 3 * this.rank[0] * this.rank[1];
    const mixed = new Float32Array(size);
    const { core, scales } = this;
    for (let mode = 0; mode < this.modes; mode++) {
      const weight = parameters[POSE + mode] * scales.core[mode];
      const from = mode * size;
      for (let i = 0; i < size; i++) mixed[i] += weight * core[from + i];
    }
    return mixed;
  }

  /** Returns where vertices lie in the network's crop: x, y in pixels. */
  points(parameters, vertices, size) {
    const scale = Math.exp(parameters[5]);
    const [a, b, c, d, e, f, g, h, i] = rotationMatrix(parameters).map((value) => scale * value);
    const focal = this.focal_length ? this.focal_length * size : 0;
    const middle = focal ? (size - 1) / 2 : 0;
    const [x, y] = [parameters[3] - middle, parameters[4] - middle];
    const points = new Float64Array(2 * this.count);
    for (let n = 0; n < this.count; n++) {
      const [p, q, r] = [vertices[3 * n], vertices[3 * n + 1], vertices[3 * n + 2]];
      let zoom = 1;
      if (focal) {
        const depth = g * p + h * q + i * r + focal;
        const nearest = Math.max(depth, NEAREST_DEPTH * scale);
        zoom = (focal * (2 - depth / nearest)) / nearest;
      }
      points[2 * n] = zoom * (a * p + b * q + c * r + x) + middle;
      points[2 * n + 1] = zoom * (d * p + e * q + f * r + y) + middle;
    }
    return points;
  }

  /** Returns two triangles for each cell; the diagonals of the two halves mirror each other. */
  triangles() {
    const [height, width] = this.grid;
    const corners = [];
    for (let i = 0; i + 1 < height; i++) {
      for (let j = 0; j + 1 < width; j++) {
        const a = i * width + j;
        const [b, c, d] = [a + 1, a + width, a + width + 1];
        corners.push(...(j < (width - 1) / 2 ? [a, c, d, a, d, b] : [a, c, b, b, c, d]));
      }
    }
    return new Uint32Array(corners);
  }

  /** Returns u, v of the vertices in a texture of such sides: pixel centres, v from the top. */
  texturePlaces(rows, columns) {
    const [height, width] = this.grid;
    const places = new Float32Array(2 * this.count);
    for (let i = 0, at = 0; i < height; i++) {
      for (let j = 0; j < width; j++, at += 2) {
        places[at] = ((j * (columns - 1)) / (width - 1) + 0.5) / columns;
        places[at + 1] = ((i * (rows - 1)) / (height - 1) + 0.5) / rows;
      }
    }
    return places;
  }

  /** Returns for each vertex whether it is seen, from the mask of a texture. */
  seenVertices(mask, rows, columns) {
    const texel = nearest(this.grid, [rows, columns]);
    return Uint8Array.from({ length: this.count }, (_, n) => mask[texel(n)] > 0.5);
  }
}

/** Returns by how many radians a face is turned clockwise in its crop: where its chin points. */
export function rollOfFace(parameters) {
  const rotation = rotationMatrix(parameters);
  return Math.atan2(-rotation[1], rotation[4]);
}

/** Returns the rotation matrix, row by row, of an axis times an angle. */
function rotationMatrix([x, y, z]) {
  const angle = Math.hypot(x, y, z);
  const a = angle < 1e-6 ? 1 : Math.sin(angle) / angle;
  const b = angle < 1e-6 ? 0.5 : (1 - Math.cos(angle)) / angle ** 2;
  return [
    1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y,
    b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x,
    b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y),
  ];
}

/** Returns the function from places of a grid to the nearest ones of another, corners to corners. */
function nearest([rows, columns], [otherRows, otherColumns]) {
  return (place) => {
    const row = Math.floor(place / columns);
    const column = place - row * columns;
    const otherRow = Math.round((row * (otherRows - 1)) / (rows - 1));
    return otherRow * otherColumns + Math.round((column * (otherColumns - 1)) / (columns - 1));
  };
}

/** Returns the inner product of parts of two arrays. */
function product(one, from, other, otherFrom, count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += one[from + i] * other[otherFrom + i];
  return sum;
}

function scaled(integers, scale) {
  return Float32Array.from(integers, (value) => value * scale);
}
