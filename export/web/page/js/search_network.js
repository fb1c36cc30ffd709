/** The network of the detector's search, for pictures of any size. */

import { Model } from "./litert.js";

// Sides of what is searched are filled up to multiples of this.
const STEP = 32;
// Of the picture of a camera: compiled before it is asked for.
const FIRST = [480, 384];
// Photographs of two formats are searched at two sizes each, small places at one and a camera's
// pictures at one; a network for one takes some megabytes.
const MOST_KEPT = 6;

export class SearchNetwork {
  /**
   * @param content of the `.tflite` file.
   * @param places where sizes stand in it, {heights, widths}: (byte, stride, more) of each number.
   */
  static async load(content, places) {
    const network = new SearchNetwork(content, places);
    await network.sized(...FIRST);
    return network;
  }

  constructor(content, places) {
    this.content = content;
    this.places = places;
    this.models = new Map();
  }

  /** Returns the network's maps of a picture: {shape, values} of each. */
  async maps(pixels, width, height) {
    const [columns, rows] = [width, height].map((side) => STEP * Math.ceil(side / STEP));
    const model = await this.sized(columns, rows);
    // The first row and column of the input are the padding of the first convolution.
    const input = new Float32Array((rows + 1) * (columns + 1) * 3);
    for (let row = 0; row < height; row++) {
      const line = pixels.subarray(row * width * 3, (row + 1) * width * 3);
      input.set(line, ((row + 1) * (columns + 1) + 1) * 3);
    }
    return Object.values(await model.run(input));
  }

  /** Returns the model for a size: LiteRT changes none in a browser, so its file says another. */
  async sized(columns, rows) {
    const key = `${columns} × ${rows}`;
    const model = this.models.get(key) ?? (await this.compiled(columns, rows));
    this.models.delete(key);
    this.models.set(key, model); // the last one used is the last one
    const [oldest] = this.models.keys();
    if (this.models.size > MOST_KEPT) {
      this.models.get(oldest).delete();
      this.models.delete(oldest);
    }
    return model;
  }

  compiled(columns, rows) {
    const file = new DataView(this.content.slice(0));
    for (const [sides, side] of [[this.places.widths, columns], [this.places.heights, rows]]) {
      for (const [byte, stride, more] of sides) file.setInt32(byte, side / stride + more, true);
    }
    return Model.compile(new Uint8Array(file.buffer));
  }
}
