/** Faces of photographs, and one face followed from frame to frame. */

import { cropMatrix, joined, moved, tightBox } from "./framing.js";

// A face is looked at again, so many times at most, until it lies in the middle of its crop.
const LOOKS = 2;
// Faces that the detector takes to be turned by more radians, and the network is less sure of, are
// looked at the other way round, and upright.
const MUCH_TURNED = Math.PI / 4;
const SURE = 0.5;

/** Returns the faces of a photograph, the largest first, each seen twice. */
export async function facesOf(picture, detector, network) {
  const faces = [];
  for (const found of await detector.find(picture)) {
    const first = await firstSight(picture, found, network);
    // A detector's box is not quite that of the landmarks.
    const matrix = joined(first.matrix, cropMatrix(tightBox(first.inCrop), network.size));
    const face = await network.see(picture, matrix);
    face.score = found.score;
    faces.push(face);
  }
  return faces;
}

/** Returns a face that was found; the surest of three sights if it may be the wrong way round. */
async function firstSight(picture, { box, roll }, network) {
  const seen = (turn) => network.see(picture, cropMatrix(box, network.size, turn));
  let best = await seen(roll);
  if (Math.abs(roll) <= MUCH_TURNED || best.confidence >= SURE) return best;
  for (const turn of [roll + Math.PI, 0]) {
    const other = await seen(turn);
    if (other.confidence > best.confidence) best = other;
  }
  return best;
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
        const seen = await firstSight(frame, found, this.network);
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
