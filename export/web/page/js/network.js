/** The network: from a crop of a picture to all that is known of the face in it. */

import { CROP_TO_BOX, cut, inverse, moved, overlap, tightBox } from "./framing.js";
import { rollOfFace } from "./face_model.js";
import { compileFastest } from "./litert.js";

// Answers of two processors are the same if landmarks differ by less than this, in pixels.
const SAME = 0.5;

export class Network {
  /**
   * @param content of the `.tflite` file.
   * @param card that belongs to it.
   * @param gpu whether WebGPU may be tried.
   */
  static async load(content, card, gpu) {
    const { shape } = card.input;
    // Smooth waves: what they show does not matter, but both processors must say the same of it.
    const example = new Float32Array(shape.slice(1).reduce((one, other) => one * other));
    example.forEach((_, i) => (example[i] = 127 + 100 * Math.sin(i / 997)));
    return new Network(await compileFastest(content, gpu, example, isSame), card);
  }

  constructor(model, card) {
    this.model = model;
    this.card = card;
    this.size = card.input.shape[1];
  }

  get accelerator() {
    return this.model.accelerator;
  }

  /** Returns the face in the crop that a matrix cuts out of a picture. */
  async see(picture, matrix) {
    const outputs = await this.model.run(Float32Array.from(cut(picture, matrix, this.size)));
    const [, rows, columns] = outputs.mask.shape;
    return new Face({
      matrix,
      size: this.size,
      parameters: outputs.parameters.values,
      inCrop: outputs.landmarks.values,
      mask: outputs.mask.values,
      rows,
      columns,
      // A network that does not say how sure it is counts as sure.
      confidence: outputs.confidence ? outputs.confidence.values[0] : 1,
      spread: outputs.spread ? outputs.spread.values : null,
    });
  }
}

/**
 * A face of a picture.
 *
 * `landmarks`: x, y in pixels of the picture. `mask`: 1 where seen, `rows` × `columns`.
 * `confidence`: 0 to 1. `spread`: how far each landmark is expected to be off, in √(w·h) of their
 * box; null if the network does not say. `parameters`: θ in pixels of the crop. `matrix`: from
 * picture to crop.
 */
export class Face {
  constructor(parts) {
    Object.assign(this, parts);
    this.landmarks = moved(inverse(this.matrix), this.inCrop);
    this.box = tightBox(this.landmarks);
  }

  /** By how many radians the face is turned clockwise in the picture. */
  get roll() {
    return Math.atan2(this.matrix[1], this.matrix[0]) + rollOfFace(this.parameters);
  }

  /** Says whether the network saw the face about where it sees faces in training. */
  get isCentred() {
    const [x0, y0, x1, y1] = tightBox(this.inCrop);
    const half = (CROP_TO_BOX * Math.max(x1 - x0, y1 - y0)) / 2;
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    const wanted = [x - half, y - half, x + half, y + half];
    return overlap(wanted, [-0.5, -0.5, this.size - 0.5, this.size - 0.5]) >= 0.75;
  }

  /** Says whether the network is sure of a face, and it lies in the picture. */
  isIn({ width, height }) {
    const count = this.landmarks.length / 2;
    let [x, y] = [0, 0];
    for (let i = 0; i < this.landmarks.length; i += 2) {
      x += this.landmarks[i] / count;
      y += this.landmarks[i + 1] / count;
    }
    return this.confidence >= 0.5 && x >= 0 && x < width && y >= 0 && y < height;
  }
}

function isSame(one, other) {
  const [expected, received] = [one.landmarks.values, other.landmarks.values];
  const off = expected.reduce((sum, value, i) => sum + Math.abs(value - received[i]), 0);
  return off / expected.length < SAME;
}
