"""How much of a texture is not face: neck, collar and what is behind the head."""

import cv2
import numpy as np

from keras_3dmmstn.mesh.landmark_sets import JAW_POINTS

#: The forehead is half an ellipse on the line from ear to ear (points 0 and 16): as wide as the
#: line, and as high above its middle as this share of the way down to the chin.
FOREHEAD = 0.7
#: A texel this far outside the outline is not yet background, in √(w·h) of the labels' box.
MARGIN = 0.02
#: Bins of |yaw| in degrees.
YAW_BINS = ((0, 20), (20, 45), (45, 180))

_CANVAS = 256  # pixels that √(w·h) has where distances are measured
_ELLIPSE_POINTS = 33


def face_outline(labels: np.ndarray) -> np.ndarray:
    """Returns the outline of a face as a polygon `(corners, 2)` in the photograph.

    It follows the jaw labels 0 to 16, from ear to ear by way of the chin, and closes over the
    forehead by half an ellipse of the height `FOREHEAD`.

    Args:
        labels: `(68, 2)` pixels.
    """
    jaw = labels[:JAW_POINTS].astype(float)
    middle = (jaw[0] + jaw[-1]) / 2
    aside, up = jaw[-1] - middle, FOREHEAD * (middle - jaw[JAW_POINTS // 2])
    angle = np.linspace(0, np.pi, _ELLIPSE_POINTS)[1:-1, None]
    return np.concatenate([jaw, middle + np.cos(angle) * aside + np.sin(angle) * up])


def background(points: np.ndarray, labels: np.ndarray, margin: float = MARGIN) -> np.ndarray:
    """Says which places of a photograph show background or neck by a face's hand labels.

    Background is what lies below the line of the brows, and further than `margin` outside both the
    face's outline (`face_outline`) and the hull of brows, eyes, nose and mouth, which stand out
    beyond it where the face is turned. The line of the brows goes through the mean of each brow's
    labels.

    Args:
        points: `(..., 2)` pixels.
        labels: `(68, 2)` pixels.
        margin: in √(w·h) of the labels' tight box.

    Returns:
        `(...)` bool.
    """
    labels = labels.astype(float)
    low, size = labels.min(axis=0), np.sqrt(np.ptp(labels, axis=0).prod())
    zoom, border = _CANVAS / size, _CANVAS
    outline, inner = face_outline(labels), labels[JAW_POINTS:]
    hull = cv2.convexHull(inner.astype(np.float32))[:, 0]
    shapes = [np.round((shape - low) * zoom + border).astype(np.int32) for shape in (outline, hull)]
    side = int(np.ceil((np.ptp(labels, axis=0) * zoom).max())) + 2 * border
    outside = np.full((side, side), 255, np.uint8)
    for shape in shapes:
        cv2.fillPoly(outside, [shape], 0)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    on_canvas = np.clip(np.round((points - low) * zoom + border), 0, side - 1).astype(int)
    is_outside = distance[on_canvas[..., 1], on_canvas[..., 0]] > margin * _CANVAS

    left, right = labels[17:22].mean(axis=0), labels[22:27].mean(axis=0)
    normal = np.array([left[1] - right[1], right[0] - left[0]])
    chin = np.sign((labels[JAW_POINTS // 2] - left) @ normal)
    return is_outside & (chin * ((points - left) @ normal) > 0)


def yaw_bin_name(yaw: float) -> str:
    """Returns the bin of `YAW_BINS` that a yaw in degrees falls into, such as "20–45°"."""
    low, high = next(b for b in YAW_BINS if abs(yaw) <= b[1])
    return f"over {low}°" if high == YAW_BINS[-1][1] else f"{low}–{high}°"
