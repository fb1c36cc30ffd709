/** Finds the faces of a picture: YuNet searches it, BlazeFace looks at each place again. */

import { HINT, seenCloser } from "./closer_look.js";
import { area, cut, inverse, isPart, moved, overlap, similarity } from "./framing.js";

// The smallest face, √(w·h) of its landmarks, that the search finds reliably, and that it should.
const SMALLEST_SEEN = 24;
const SMALLEST = 32;
// If both sides are larger, a picture a third as large shows the largest faces better.
const LARGEST_SEEN = 420;
const COARSER = 3;
// The larger side of what is searched is a multiple of this, and at most so large.
const STEP = 32;
const LARGEST_SEARCHED = 1024;
const STRIDES = [8, 16, 32];

// From this score of the search on, and with so small a roll, a place needs no look.
const PLAIN = 0.92;
const LITTLE_ROLL = 0.1;
// From which score of the search a place is surely an upright face, or may be one.
const SURE = 0.88;
const DOUBTFUL = 0.06;
// After so many looks at doubtful places that were no faces no more are taken.
const MOST_IN_VAIN = 8;
// A look with this score saw an upright face: where the search was sure, and elsewhere.
const CLEAR_IF_SURE = 0.8;
const CLEAR = 0.87;
const HOPELESS = 0.35;
const OTHER_TURNS = [(2 / 3) * Math.PI, (4 / 3) * Math.PI];
// A face that leans more, in radians, is looked at once more.
const UPRIGHT = 0.4;
const LEAST_SCORE = 0.5;
// Bias and weights of search and look.
const SCORE_WEIGHTS = [-1.935, 0.455, 2.786];

const SAME_FACE = 0.3;

// The square of the second look, in pixels and in larger sides of a box; how far off its middle.
const LOOK_SIZE = 128;
const LOOK_SHARE = 1.75;
const FURTHEST = 0.2;
// Where the box of an upright face's landmarks lies in BlazeFace's square.
const LANDMARKS_IN_SQUARE = [0.042, 0.109, 0.979, 1.019];
// Where it lies in YuNet's box.
const LANDMARKS_IN_BOX = [-0.018, 0.23, 1.023, 1.013];
// Two anchors in each of 16 × 16 cells, six in each of 8 × 8: their middles in pixels.
const ANCHORS = [...cells(16, 2), ...cells(8, 6)];

export class Detector {
  /**
   * @param search a `SearchNetwork`.
   * @param look a `Model` of BlazeFace, short range.
   */
  constructor(search, look) {
    this.searchNetwork = search;
    this.lookModel = look;
  }

  /** Returns the faces of a picture, the largest first: {box, score, roll}. */
  async find(picture) {
    const places = await this.search(picture);
    const sure = places.filter(({ score }) => score >= SURE);
    const doubtful = places.filter(
      ({ box, score }) => score < SURE && !sure.some((other) => isPart(box, other.box)),
    );
    let faces = [];
    let inVain = 0;
    for (const place of [...sure, ...doubtful]) {
      const sight = isPlain(place) ? plainSight(place) : await this.bestLook(picture, place);
      const score = jointScore(place.score, sight.score);
      if (score >= LEAST_SCORE) faces.push({ ...sight, score });
      else if (place.score < SURE && ++inVain === MOST_IN_VAIN) break;
    }
    faces = withoutParts(bestOfEachPlace(faces));
    return faces.sort((one, other) => area(other.box) - area(one.box));
  }

  /** Returns the places of a picture that may be faces, the best first. */
  async search(picture) {
    const whole = fitted(picture, SMALLEST_SEEN / SMALLEST);
    const sizes = [whole];
    if (Math.min(...whole) > LARGEST_SEEN) {
      sizes.push(fitted({ width: whole[0], height: whole[1] }, 1 / COARSER));
    }
    const places = [];
    for (const [width, height] of sizes) {
      const [across, down] = [picture.width / width, picture.height / height];
      const matrix = [1 / across, 0, (1 / across - 1) / 2, 0, 1 / down, (1 / down - 1) / 2];
      const inPicture = (value, n) => (value + 0.5) * (n % 2 ? down : across) - 0.5;
      for (const { box, points, score } of await this.placesIn(picture, matrix, width, height)) {
        places.push({ box: box.map(inPicture), points: points.map(inPicture), score });
      }
    }
    const searched = Math.max(...whole) / Math.max(picture.width, picture.height);
    const see = (matrix, side) => this.placesIn(picture, matrix, side, side);
    const all = await seenCloser(bestOfEachPlace(places), searched, see);
    return bestOfEachPlace(all).filter(({ score }) => score >= DOUBTFUL);
  }

  /** Returns what YuNet sees in what a matrix cuts out of a picture, in pixels of that. */
  async placesIn(picture, matrix, width, height) {
    const outputs = await this.searchNetwork.maps(cut(picture, matrix, width, height), width, height);
    return decoded(outputs.sort((one, other) => other.shape[1] - one.shape[1]));
  }

  /** Returns the best sight of a place, of three turns if it is in doubt. */
  async bestLook(picture, { box, score }) {
    const better = (one, other) => (other.score > one.score ? other : one);
    let seen = await this.look(picture, box, 0);
    if (seen.score >= HOPELESS && seen.score < (score >= SURE ? CLEAR_IF_SURE : CLEAR)) {
      for (const turn of OTHER_TURNS) seen = better(seen, await this.look(picture, box, turn));
    }
    if (seen.score >= HOPELESS && Math.abs(seen.lean) > UPRIGHT) {
      seen = better(seen, await this.look(picture, box, seen.roll));
    }
    return seen;
  }

  /** Returns the face seen best in a box that is turned: {box, score, roll, lean}. */
  async look(picture, box, turn) {
    const side = LOOK_SHARE * Math.max(box[2] - box[0], box[3] - box[1]);
    const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    const matrix = similarity(middle, LOOK_SIZE, LOOK_SIZE / side, turn);
    const levels = cut(picture, matrix, LOOK_SIZE);
    const input = Float32Array.from(levels, (level) => level / 127.5 - 1);
    const outputs = Object.values(await this.lookModel.run(input));
    const [logits, numbers] = outputs
      .sort((one, other) => one.values.length - other.values.length)
      .map(({ values }) => values);
    return sightOf(logits, numbers, matrix, turn);
  }
}

/** Returns {box, score, roll, lean} of BlazeFace's best anchor near the middle. */
function sightOf(logits, numbers, matrix, turn) {
  let best = -1;
  let [x, y] = [0, 0];
  for (let n = 0; n < logits.length; n++) {
    // It counts from the border of the first pixel, not from its centre.
    const [u, v] = ANCHORS[n].map((value, axis) => value + numbers[16 * n + axis] - 0.5);
    const off = Math.max(...[u, v].map((value) => Math.abs(value - (LOOK_SIZE - 1) / 2)));
    if (off > FURTHEST * LOOK_SIZE || (best >= 0 && logits[n] <= logits[best])) continue;
    [best, x, y] = [n, u, v];
  }
  if (best < 0) return { score: 0, box: [0, 0, 1, 1], roll: 0, lean: 0 };
  const [width, height] = numbers.subarray(16 * best + 2, 16 * best + 4);
  const lean = leanOf(numbers.subarray(16 * best + 4, 16 * best + 16));
  const roll = turn + lean;
  // The landmarks' box belongs to the upright face: it turns about the middle of the square.
  const [left, top, right, bottom] = LANDMARKS_IN_SQUARE;
  const [across, down] = [((left + right - 1) / 2) * width, ((top + bottom - 1) / 2) * height];
  const [cos, sin] = [Math.cos(lean), Math.sin(lean)];
  const middle = moved(inverse(matrix), [x + cos * across - sin * down, y + sin * across + cos * down]);
  const scale = Math.hypot(matrix[0], matrix[1]);
  const size = [((right - left) * width) / scale, ((bottom - top) * height) / scale];
  return {
    score: logistic(logits[best]),
    box: turnedBox(middle, size, roll),
    roll: Math.atan2(Math.sin(roll), Math.cos(roll)),
    lean,
  };
}

/** Returns how far a face leans clockwise: from eye to eye, and from the eyes to the mouth. */
function leanOf([leftX, leftY, rightX, rightY, , , mouthX, mouthY]) {
  const [acrossX, acrossY] = [rightX - leftX, rightY - leftY];
  const [downX, downY] = [mouthX - (leftX + rightX) / 2, mouthY - (leftY + rightY) / 2];
  return Math.atan2(acrossY - downX, acrossX + downY);
}

/** Returns the tight box of an ellipse that is turned. */
function turnedBox([x, y], [width, height], roll) {
  const [cos, sin] = [Math.cos(roll), Math.sin(roll)];
  const right = Math.hypot(width * cos, height * sin) / 2;
  const down = Math.hypot(height * cos, width * sin) / 2;
  return [x - right, y - down, x + right, y + down];
}

/** Returns width and height about `scale` times as large, the larger one a multiple of 32. */
function fitted({ width, height }, scale) {
  const longest = Math.min(scale * Math.max(width, height), LARGEST_SEARCHED);
  const rounded = Math.max(STEP, STEP * roundedToEven(longest / STEP));
  const exact = rounded / Math.max(width, height);
  return [width, height].map((side) => Math.max(1, roundedToEven(exact * side)));
}

/** Rounds as Python does: halves to even numbers. */
function roundedToEven(value) {
  return value % 2 === 0.5 ? Math.floor(value) : Math.round(value);
}

/** Says whether the search is quite sure of an upright face. */
function isPlain({ score, points }) {
  return score >= PLAIN && Math.abs(rollOfSearch(points)) <= LITTLE_ROLL;
}

/** Returns a face of which the search is sure, as if a look had been as sure. */
function plainSight({ box, points, score }) {
  const size = [box[2] - box[0], box[3] - box[1]];
  const landmarks = LANDMARKS_IN_BOX.map((part, n) => box[n % 2] + part * size[n % 2]);
  return { score, box: landmarks, roll: rollOfSearch(points) };
}

/** Returns how far a face is turned by YuNet's eyes, tip of the nose and corners of the mouth. */
function rollOfSearch(points) {
  const [left, right] = [points.slice(6, 8), points.slice(8, 10)];
  const mouth = left.map((value, axis) => (value + right[axis]) / 2);
  return leanOf([...points.slice(0, 6), ...mouth]);
}

/** Reads YuNet's maps: places that may be faces, {box, points, score}. */
function decoded(maps) {
  const places = [];
  for (const [number, { shape, values }] of maps.entries()) {
    const stride = STRIDES[number];
    for (let row = 0, at = 0; row < shape[1]; row++) {
      for (let column = 0; column < shape[2]; column++, at += 16) {
        const score = Math.sqrt(logistic(values[at]) * logistic(values[at + 1]));
        if (score < HINT) continue;
        const [x, y] = [column + values[at + 2], row + values[at + 3]];
        const [across, down] = [Math.exp(values[at + 4]) / 2, Math.exp(values[at + 5]) / 2];
        const box = [x - across, y - down, x + across, y + down];
        const points = [...values.subarray(at + 6, at + 16)].map(
          (value, n) => stride * (value + (n % 2 ? row : column)),
        );
        places.push({ box: box.map((value) => stride * value), points, score });
      }
    }
  }
  return places;
}

/** Returns how likely a place is a face, from the scores of search and look. */
function jointScore(ofSearch, ofLook) {
  const odds = (score) => {
    const value = Math.log(Math.max(score, 1e-6) / Math.max(1 - score, 1e-6));
    return Math.min(Math.max(value, -6), 6);
  };
  const [bias, search, look] = SCORE_WEIGHTS;
  return logistic(bias + search * odds(ofSearch) + look * odds(ofLook));
}

/** Returns those that no better one overlaps, the best first. */
function bestOfEachPlace(places) {
  const kept = [];
  for (const place of places.toSorted((one, other) => other.score - one.score)) {
    if (!kept.some(({ box }) => overlap(box, place.box) > SAME_FACE)) kept.push(place);
  }
  return kept;
}

/** Returns those that are neither a better one's part nor hold one. */
function withoutParts(places) {
  const kept = [];
  for (const place of places) {
    const { box } = place;
    if (!kept.some((other) => isPart(box, other.box) || isPart(other.box, box))) kept.push(place);
  }
  return kept;
}

function logistic(value) {
  return 1 / (1 + Math.exp(-value));
}

function cells(count, times) {
  const middles = [];
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const middle = [column, row].map((place) => ((place + 0.5) / count) * LOOK_SIZE);
      for (let i = 0; i < times; i++) middles.push(middle);
    }
  }
  return middles;
}
