"""Measures of a face, to choose among many."""

from typing import NamedTuple

import cv2
import numpy as np

from keras_3dmmstn.inference.quantities.light import Light, light, sharpness
from keras_3dmmstn.inference.quantities.openings import (
    EYE_CLOSED,
    MOUTH_OPEN,
    eye_openings,
    mouth_opening,
)
from keras_3dmmstn.inference.texture import face_texture
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.mesh.head_pose import HeadPose

# Side of the texture in which light and sharpness are measured, whatever the user's is.
_SIZE = 128


class FaceQuantities(NamedTuple):
    """Measures of one face. Left and right are those of the photograph.

    Attributes:
        width, height: of the tight box of its 68 landmarks, pixels of the photograph.
        inter_eye_distance: between the centres of the eyes, each the middle of its two corners
            (landmarks 36 and 39, 42 and 45), pixels of the photograph.
        yaw, pitch, roll: in degrees, as in `NormalisedFace.pose`.
        visible_share: the share of the texture that is seen, 0 to 1.
        sharpness: the share of the texture's squared gradient that a blur of 1/128 of the
            texture's side removes, 0 (blurred) to 1. See `light.sharpness`.
        brightness: mean grey level of the visible part, 0 to 255, with 0.299 R + 0.587 G +
            0.114 B.
        contrast: standard deviation of these grey levels.
        light_difference: mean grey level of the left half of the face minus that of the right, over
            the places visible on both sides; None if these are less than a tenth of the texture,
            as in profiles.
        mouth_opening: the gap between the lips in widths of the mouth. See `mouth_opening`.
        left_eye_opening, right_eye_opening: the gap between the lids in widths of the eye. See
            `eye_openings`.
        mouth_open: whether `mouth_opening` is above 0.05.
        left_eye_closed, right_eye_closed: whether the opening is below 0.24.

    Light and sharpness are measured in a texture of 128 × 128 texels, whatever the size of
    `texture`, so that a large photograph and a smaller copy, if still larger than this, give nearly
    the same values. They are None if nothing of the face is visible. Openings are measured on the
    fitted face from its front, so that they do not depend on the pose.
    """

    width: float
    height: float
    inter_eye_distance: float
    yaw: float
    pitch: float
    roll: float
    visible_share: float
    sharpness: float | None
    brightness: float | None
    contrast: float | None
    light_difference: float | None
    mouth_opening: float
    left_eye_opening: float
    right_eye_opening: float
    mouth_open: bool
    left_eye_closed: bool
    right_eye_closed: bool


def measure(
    points: np.ndarray,
    shape: np.ndarray,
    pose: HeadPose,
    visible_share: float,
    seen: tuple[np.ndarray, np.ndarray],
) -> FaceQuantities:
    """Measures a face.

    Args:
        points: `(68, 2)`, its landmarks `ibug68` in pixels of the photograph.
        shape: `(68, 3)`, the same in its own frame.
        pose, visible_share: passed on unchanged.
        seen: as returned by `seen_texture`.
    """
    points = points.astype(float)
    width, height = np.ptp(points, axis=0)
    eyes = [points[list(corners)].mean(axis=0) for corners in ((36, 39), (42, 45))]
    luma, mask = cv2.cvtColor(seen[0], cv2.COLOR_RGB2GRAY), seen[1]
    lighting = light(luma, mask)
    mouth, (left, right) = mouth_opening(shape), eye_openings(shape)
    return FaceQuantities(
        width=float(width),
        height=float(height),
        inter_eye_distance=float(np.linalg.norm(eyes[1] - eyes[0])),
        **pose._asdict(),
        visible_share=visible_share,
        sharpness=sharpness(luma, mask),
        **(lighting._asdict() if lighting else dict.fromkeys(Light._fields)),
        mouth_opening=mouth,
        left_eye_opening=left,
        right_eye_opening=right,
        mouth_open=mouth > MOUTH_OPEN,
        left_eye_closed=left < EYE_CLOSED,
        right_eye_closed=right < EYE_CLOSED,
    )


def seen_texture(
    photograph: PhotographPart, points: np.ndarray, visible: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the texture `(128, 128, 3)` for measuring light and sharpness, and its mask.

    Args:
        photograph: the part around the face.
        points: `(H', W', 2)`, the vertices in pixels of the photograph.
        visible: `(H', W')` bool, which of them the viewer sees.
    """
    return face_texture(
        photograph.pixels, (points - photograph.corner).astype(np.float32), visible, _SIZE
    )
