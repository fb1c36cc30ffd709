"""Pictures of scanned heads, turned by known angles."""

import cv2
import igl
import numpy as np
from head_scans import HeadScan

from keras_3dmmstn.training.turning.triangle_map import triangle_map

#: Side of a picture in pixels.
SIZE = 400
# Millimetres in a picture's width, the point in its middle, and a point that heads turn about.
_WIDTH, _MIDDLE, _AXIS = 320.0, np.array([0.0, 15.0]), np.array([0.0, 15.0, 60.0])
# Unit vector towards the lamp, as in `drawing.render`, and the light without it.
_TOWARDS_LIGHT = np.array([-0.35, -0.45, -0.82]) / np.linalg.norm([-0.35, -0.45, -0.82])
_AMBIENT = 0.6
# Grey of the wall behind, from top to bottom.
_WALL = (190, 120)
_SUPERSAMPLING = 2


def turn(yaw: float, pitch: float) -> np.ndarray:
    """Returns the rotation `(3, 3)` of a head that nods by `pitch` and is then turned by `yaw`.

    Args:
        yaw: towards the right of the image, degrees, as of `mesh.head_pose.HeadPose`.
        pitch: upwards, degrees.
    """
    nod = cv2.Rodrigues(np.radians([-pitch, 0.0, 0.0]))[0]
    return cv2.Rodrigues(np.radians([0.0, -yaw, 0.0]))[0] @ nod


def in_picture(points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Returns where points `(N, 3)` of an upright scan are when it is turned, `(N, 3)`.

    They are x, y in pixels, and depth in millimetres.
    """
    turned = (points - _AXIS) @ rotation.T + _AXIS
    places = (turned[:, :2] - _MIDDLE) * (SIZE / _WIDTH) + (SIZE - 1) / 2
    return np.column_stack([places, turned[:, 2]])


def picture_of(scan: HeadScan, rotation: np.ndarray) -> np.ndarray:
    """Draws an upright scan, turned by R, before a grey wall: weak perspective, softly lit.

    Returns:
        `(SIZE, SIZE, 3)` uint8 RGB.
    """
    places = in_picture(scan.vertices, rotation)
    size = np.array(scan.texture.shape[1::-1]) - 1
    texture = np.column_stack([scan.uv[:, 0], 1 - scan.uv[:, 1]]) * size
    lit = np.clip(_normals(scan) @ rotation.T @ _TOWARDS_LIGHT, 0, 1)
    shade = np.repeat((_AMBIENT + (1 - _AMBIENT) * lit)[:, None], 2, axis=1)
    colours, light = (
        triangle_map(
            places[:, :2], values, places[:, 2], scan.triangles,
            behind=0, size=SIZE, supersampling=_SUPERSAMPLING,
        )
        for values in (texture, shade)
    )  # fmt: skip
    drawn = np.isfinite(colours.depth)[..., None]
    image = cv2.remap(scan.texture, *colours.texture, cv2.INTER_LINEAR).astype(np.float32)
    wall = np.linspace(*_WALL, len(image), dtype=np.float32)[:, None, None]
    image = np.where(drawn, image * light.texture[0][..., None], wall)
    small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.clip(np.round(small), 0, 255).astype(np.uint8)


def _normals(scan):
    """Returns unit normals `(V, 3)`, across the seams of the texture, too."""
    merged, _, place, triangles = igl.remove_duplicate_vertices(
        scan.vertices.astype(float), scan.triangles, 1e-6
    )
    return igl.per_vertex_normals(merged, triangles)[place]
