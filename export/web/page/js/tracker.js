/** Faces of photographs, and one face followed from frame to frame. */

import { cropMatrix, joined, moved, tightBox } from "./framing.js";

// A face is looked at again, so many times at most, until it lies in the middle of its crop.
const LOOKS = 2;

/** Returns the faces of a photograph, the largest first, each seen twice. */
export async function facesOf(picture, detector, network) {
  const faces = [];
  for (const { box, roll, score } of await detector.find(picture)) {
    const first = await network.see(picture, cropMatrix(box, network.size, roll));
    // A detector's box is not quite that of the landmarks.
    const matrix = joined(first.matrix, cropMatrix(tightBox(first.inCrop), network.size));
    const face = await network.see(picture, matrix);
    face.score = score;
    faces.push(face);
  }
  return faces;
}

/** Follows one face: it is looked for where its landmarks were, else by the detector. */
export class Tracker {
  constructor(detector, network) {
    this.detector = detector;
    this.network = network;
    this.face = null;
  }

  /** Returns the face of the next frame, or null. */
  async follow(frame) {
    let face = this.face && (await this.confirmed(frame, await this.seeAgain(frame, this.face)));
    if (!face) {
      const [found] = await this.detector.find(frame);
      if (found) {
        const first = cropMatrix(found.box, this.network.size, found.roll);
        const seen = await this.network.see(frame, first);
        face = await this.confirmed(frame, await this.seeAgain(frame, seen));
      }
    }
    this.face = face;
    return face;
  }

  /** Returns a face in the crop around the landmarks that it had, in which it is upright. */
  async seeAgain(frame, face) {
    const [cos, sin] = [Math.cos(face.roll), Math.sin(face.roll)];
    const upright = [cos, sin, 0, -sin, cos, 0];
    const box = tightBox(moved(upright, face.landmarks));
    return this.network.see(frame, joined(upright, cropMatrix(box, this.network.size)));
  }

  /** Looks at a face until it lies in the middle of its crop; null if it is none. */
  async confirmed(frame, face) {
    for (let look = 0; look < LOOKS && face.isIn(frame) && !face.isCentred; look++) {
      face = await this.seeAgain(frame, face);
    }
    return face.isIn(frame) ? face : null;
  }
}
