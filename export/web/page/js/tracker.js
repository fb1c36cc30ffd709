/** Faces of photographs, and one face followed from frame to frame. */

import { cropMatrix } from "./framing.js";
import { meanOf, seenAgain } from "./two_looks.js";

// A face is looked at again, so many times at most, until it lies in the middle of its crop.
const LOOKS = 2;
// Faces that the detector takes to be turned by more radians, and the network is less sure of, are
// looked at the other way round, and upright.
const MUCH_TURNED = Math.PI / 4;
const SURE = 0.5;

/**
 * Returns the faces of a photograph, the largest first, each seen twice.
 *
 * @param averaged whether the mean of both looks counts; else the second alone, as for a
 *     perspective camera, whose parameters belong to their crop.
 */
export async function facesOf(picture, detector, network, averaged) {
  const faces = [];
  for (const found of await detector.find(picture)) {
    const first = await firstSight(picture, found, network);
    const second = await seenAgain(picture, first, network);
    const face = averaged ? meanOf(first, second) : second;
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
    let face = this.face && (await this.confirmed(frame, await seenAgain(frame, this.face, this.network)));
    if (!face) {
      const [found] = await this.detector.find(frame);
      if (found) {
        const seen = await firstSight(frame, found, this.network);
        face = await this.confirmed(frame, await seenAgain(frame, seen, this.network));
      }
    }
    this.face = face;
    return face;
  }

  /** Looks at a face until it lies in the middle of its crop; null if it is none. */
  async confirmed(frame, face) {
    for (let look = 0; look < LOOKS && face.isIn(frame) && !face.isCentred; look++) {
      face = await seenAgain(frame, face, this.network);
    }
    return face.isIn(frame) ? face : null;
  }
}
