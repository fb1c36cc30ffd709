"""The frames of a face's vertices: in front of the camera, and with the axes of mesh programs."""

from collections.abc import Mapping

import cv2
import numpy as np

#: Frames that a mesh may be in.
FRAMES = ("head", "camera")


def check_frame(frame: str) -> None:
    """Raises a ValueError if `frame` is unknown."""
    if frame not in FRAMES:
        known = " or ".join(map(repr, FRAMES))
        raise ValueError(f"Expected `frame` to be {known}, received {frame!r}.")


def camera_vertices(vertices: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Turns a face as in the photograph, and places it in front of the camera.

    Without a focal length, X' = R X + (t / s, 0), with s = exp(log s): the photograph shows a
    vertex at s X'_xy. With one, X' = R X + ((t − c) / s, f / s): the photograph shows it at
    f X'_xy / X'_z + c, and the origin is the camera.

    Args:
        vertices: `(N, 3)` in the head's frame, millimetres.
        parameters: of the face, as in `NormalisedFace`.

    Returns:
        `(N, 3)` float32 in millimetres: x right, y down, z away from the viewer.
    """
    offset = np.zeros(3)
    offset[:2] = parameters["translation"]
    if "focal_length" in parameters:
        offset[:2] -= parameters["principal_point"]
        offset[2] = parameters["focal_length"][0]
    place = offset / np.exp(float(parameters["log_scale"]))
    return (turned(vertices, parameters) + place).astype(np.float32)


def turned(vectors: np.ndarray, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    """Rotates vectors `(..., 3)` of the head's frame as the face is rotated in the photograph."""
    rotation = cv2.Rodrigues(np.asarray(parameters["rotation"], float))[0]
    return (vectors @ rotation.T).astype(np.float32)


def upright(vectors: np.ndarray) -> np.ndarray:
    """Converts vectors `(N, 3)` to x right, y up and z towards the viewer, or back.

    This is half a turn about the x axis: nothing is mirrored, and triangles keep their orientation.
    """
    return vectors * np.array([1, -1, -1], vectors.dtype)
