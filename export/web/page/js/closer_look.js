/** Small places of a picture, looked at closer with the network of the search. */

import { area, inverse, isPart, moved, similarity } from "./framing.js";

/** A place with a lower score in the search is none. */
export const HINT = 0.02;
// From which score a place is surely a face, and a larger one is likely one that is turned, or may be.
const SURE = 0.88;
const LIKELY = 0.3;
const DOUBTFUL = 0.06;
// Seen closer, a place with a lower score tells nothing: a face beside it may be in the square. Within
// a larger place that may be a face it has to be clearer.
const CLEAR = 0.5;
const CLEAR_WITHIN = 0.78;
// A place is small if its box, √(w·h) in pixels of what was searched, is smaller.
const SMALL = 50;
// The square, in pixels, and how many of them the larger side of the box has.
const SIDE = 96;
const SEEN = 64;
// After so many looks in which nothing was seen no more are taken.
const MOST_IN_VAIN = 8;
// How far from the middle, in sides, and how many times as large or small a face may be.
const FURTHEST = 0.2;
const LARGER = 2;

/**
 * Returns places of a picture, and the small ones as they are seen closer, if that is clear.
 *
 * @param places {box, points, score} in pixels of the picture, the best first.
 * @param searched size of what was searched, as a share of the picture's.
 * @param see from a matrix and the side of a square to the places in it.
 */
export async function seenCloser(places, searched, see) {
  const isSmall = ({ box }) => Math.sqrt(area(box)) * searched < SMALL;
  const wholes = places.filter(
    (place) => place.score >= SURE || (!isSmall(place) && place.score >= LIKELY),
  );
  const chosen = places
    .filter((place) => isSmall(place) && place.score < SURE)
    .filter(({ box }) => !wholes.some((whole) => isPart(box, whole.box)));
  const doubtful = places.filter((place) => !isSmall(place) && place.score >= DOUBTFUL);
  const all = [...places];
  let inVain = 0;
  for (const { box } of chosen) {
    const isWithin = doubtful.some((larger) => isPart(box, larger.box));
    const clear = isWithin ? CLEAR_WITHIN : CLEAR;
    const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
    const zoom = SEEN / Math.max(box[2] - box[0], box[3] - box[1]);
    const matrix = similarity(middle, SIDE, zoom, 0);
    const back = inverse(matrix);
    const closer = (await see(matrix, SIDE)).filter((place) => isIt(place, clear));
    for (const { box: seen, points, score } of closer) {
      all.push({ box: moved(back, seen), points: moved(back, points), score });
    }
    if (!closer.length && ++inVain === MOST_IN_VAIN) break;
  }
  return all;
}

/** Says whether a place of the square is the one that was looked for. */
function isIt({ box, score }, clear) {
  const larger = Math.sqrt(area(box)) / SEEN;
  const offs = [0, 1].map((axis) => Math.abs((box[axis] + box[axis + 2] - (SIDE - 1)) / 2));
  const isNear = Math.max(...offs) <= FURTHEST * SIDE;
  return score >= clear && isNear && larger < LARGER && larger > 1 / LARGER;
}
