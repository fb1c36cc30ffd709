/** All of it together: load a site's files, then turn pictures into faces. */

import { Detector } from "./detector.js";
import { FaceModel } from "./face_model.js";
import { inverse, moved } from "./framing.js";
import { Model, startRuntime } from "./litert.js";
import { Network } from "./network.js";
import { Problem } from "./problem.js";
import { SearchNetwork } from "./search_network.js";
import { sampledTexture } from "./texture.js";
import { Tracker, facesOf } from "./tracker.js";

// Sides of the textures of a photograph and of a frame of a video, in pixels.
const OF_PHOTOGRAPH = 448;
const OF_FRAME = 224;

export class Normaliser {
  /**
   * Loads runtime, networks and face model.
   *
   * @param folder address of the folder in which `site.json` is, with a slash at its end.
   * @param useGpu whether WebGPU is tried.
   */
  static async load(folder, useGpu = true) {
    const file = (name) => new URL(name, folder);
    const about = await description(file("site.json"));
    const gpu = await startRuntime(file("vendor/litert/wasm/").href);
    const [network, surface, search, look] = await Promise.all(
      ["network.tflite", "face_model.bin", "search.tflite", "look.tflite"].map((name) =>
        fetched(file(`models/${name}`)),
      ),
    );
    try {
      return new Normaliser(
        about,
        await Network.load(new Uint8Array(network), about.network, gpu && useGpu),
        new FaceModel(about.face_model, surface),
        new Detector(
          await SearchNetwork.load(search, about.search),
          await Model.compile(new Uint8Array(look)),
        ),
      );
    } catch (error) {
      throw new Problem("The networks could not be started.", error);
    }
  }

  constructor(about, network, faceModel, detector) {
    this.about = about;
    this.network = network;
    this.faceModel = faceModel;
    this.detector = detector;
    this.tracker = new Tracker(detector, network);
  }

  /** Returns the faces of a photograph, {width, height, data}, the largest first. */
  async photograph(picture) {
    const faces = await facesOf(
      picture,
      this.detector,
      this.network,
      !this.faceModel.focal_length,
    );
    return faces.map((face) => this.described(face, picture, OF_PHOTOGRAPH));
  }

  /**
   * Returns the face of the next frame of a video, or null.
   *
   * @param isWhole whether it is `described`; else it has landmarks only, in half the time.
   */
  async frame(picture, isWhole = true) {
    const face = await this.tracker.follow(picture);
    return face && isWhole ? this.described(face, picture, OF_FRAME) : face;
  }

  /** Begins another video: no face is followed. */
  forget() {
    this.tracker.face = null;
  }

  /** Adds to a face its `vertices`, their `points` in the picture, and its texture and mask. */
  described(face, picture, size) {
    const model = this.faceModel;
    face.vertices = model.vertices(face.parameters);
    const inCrop = model.points(face.parameters, face.vertices, face.size);
    face.points = moved(inverse(face.matrix), inCrop);
    face.seen = model.seenVertices(face.mask, face.rows, face.columns);
    Object.assign(face, sampledTexture(picture, face, model.grid, size), { rows: size, columns: size });
    return face;
  }
}

async function description(address) {
  const text = new TextDecoder().decode(await fetched(address));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(`${address.pathname} is another file than that of the site.`, error);
  }
}

async function fetched(address) {
  let answer;
  try {
    answer = await fetch(address);
  } catch (error) {
    throw new Problem(`${address.pathname} could not be loaded.`, error);
  }
  if (!answer.ok) throw new Problem(`${address.pathname} could not be loaded: ${answer.status}.`);
  return answer.arrayBuffer();
}
