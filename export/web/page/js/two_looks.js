/** A face seen twice: the second time upright, framed by its landmarks; what both looks say of it. */

import { cropMatrix, inverse, joined, moved, tightBox } from "./framing.js";
import { Face } from "./network.js";

// In the mean of both looks the second, which is framed better, counts so much.
const SECOND = 0.6;
// If they differ by more, in radians, the first did not see the face, and the second counts alone.
const APART = 0.5;

/** Returns a face in the crop around the landmarks that it had, in which it is upright. */
export async function seenAgain(picture, face, network) {
  const [cos, sin] = [Math.cos(face.roll), Math.sin(face.roll)];
  const upright = [cos, sin, 0, -sin, cos, 0];
  const box = tightBox(moved(upright, face.landmarks));
  return network.see(picture, joined(upright, cropMatrix(box, network.size)));
}

/** Returns the mean of two looks at a face, in the crop of the second, with its mask. */
export function meanOf(first, second) {
  const between = joined(inverse(first.matrix), second.matrix);
  const [one, other] = [inOtherCrop(first.parameters, between), second.parameters];
  const [from, to] = [one, other].map(quaternion);
  if (2 * Math.acos(Math.min(1, Math.abs(product(from, to)))) > APART) return second;
  const mean = (a, b) => a.map((value, i) => (1 - SECOND) * value + SECOND * b[i]);
  const parameters = mean(one, other);
  const sign = product(from, to) < 0 ? -1 : 1;
  parameters.set(rotationVector(mean(from, to.map((value) => sign * value))));
  return new Face({
    ...second,
    parameters,
    inCrop: mean(moved(between, first.inCrop), second.inCrop),
    confidence: mean([first.confidence], [second.confidence])[0],
    spread: first.spread && mean(first.spread, second.spread),
  });
}

/** Returns θ in pixels of the crop that a similarity leads to. */
function inOtherCrop(parameters, between) {
  const [a, b] = between;
  const result = Float64Array.from(parameters);
  result.set(moved(between, parameters.subarray(3, 5)), 3);
  result[5] += Math.log(Math.hypot(a, b));
  const half = -Math.atan2(b, a) / 2;
  result.set(rotationVector(turned(quaternion(parameters), [Math.cos(half), 0, 0, Math.sin(half)])));
  return result;
}

/** Returns the quaternion w, x, y, z of an axis times an angle. */
function quaternion([x, y, z]) {
  const angle = Math.hypot(x, y, z);
  const share = angle < 1e-9 ? 0.5 : Math.sin(angle / 2) / angle;
  return [Math.cos(angle / 2), share * x, share * y, share * z];
}

/** Returns the axis times the angle of a quaternion of any length. */
function rotationVector([w, x, y, z]) {
  const sine = Math.hypot(x, y, z);
  const share = sine < 1e-9 ? 2 / w : (2 * Math.atan2(sine, w)) / sine;
  return [share * x, share * y, share * z];
}

/** Returns the rotation that does the first, then the second. */
function turned([w, x, y, z], [s, p, q, r]) {
  return [
    s * w - p * x - q * y - r * z,
    s * x + p * w + q * z - r * y,
    s * y - p * z + q * w + r * x,
    s * z + p * y - q * x + r * w,
  ];
}

function product(one, other) {
  return one.reduce((sum, value, i) => sum + value * other[i], 0);
}
