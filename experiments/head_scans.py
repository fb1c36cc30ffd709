"""Textured scans of heads: read from a folder, and brought into the face model's frame."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import igl
import numpy as np
from igl.embree import EmbreeIntersector
from surface_fit import Placement, fit_surface, similarity

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import NOSE_TIP

#: Where menpo3d has the points of `ibug68`: jaw, eyes, left brow, nose, right brow, mouth.
MENPO_ORDER = np.r_[0:17, 29:34, 43:48, 34:43, 17:29, 48:68]
# Scan files have x right, y up, z towards the viewer.
_TO_OUR_FRAME = np.array([1.0, -1.0, -1.0])
# Heights that a scan without a unit may have, millimetres: its first alignment begins with each.
_HEIGHTS = np.geomspace(280, 500, 5)
# The share of the model's vertices, the closest ones, that a first alignment uses.
_CLOSEST_SHARE, _ROUNDS = 0.8, 20
# The face is what is so near to the tip of the nose and to the mean face, millimetres.
_RADIUS, _REACH = 80.0, 25.0
_POINTS = 1500
# A place counts if one of these cameras sees it, yaw in degrees.
_VIEWS = (-60, -30, 0, 30, 60)


@dataclass(frozen=True)
class HeadScan:
    """A scanned head.

    Attributes:
        name: of its file.
        vertices: `(V, 3)`, x right, y down, z away from the viewer. `read_scans` leaves them in the
            scan's unit and place, `upright` brings them into the face model's frame.
        triangles: `(T, 3)` vertices, counter-clockwise seen from outside.
        uv: `(V, 2)` places in the texture, v upwards, 0 to 1.
        texture: `(height, width, 3)` uint8 RGB.
        landmarks: `(68, 3)` points of `ibug68` in the vertices' frame, None if there are none.
        measured: whether it is in millimetres: those that have landmarks in their file are.
    """

    name: str
    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    landmarks: np.ndarray | None = None
    measured: bool = False

    def undone(self, placement: Placement) -> "HeadScan":
        """Returns the scan with all points where the placement takes them from."""
        points = None if self.landmarks is None else placement.undone(self.landmarks)
        return replace(self, vertices=placement.undone(self.vertices), landmarks=points)


def read_scans(folder: Path) -> Iterator[HeadScan]:
    """Yields the scans of a folder that have a texture: `NAME.npz` with `NAME.jpg`."""
    for path in sorted(Path(folder).glob("*.npz")):
        picture = path.with_suffix(".jpg")
        if not picture.exists():
            continue
        with np.load(path, allow_pickle=False) as file:
            points = file["landmarks68"] * _TO_OUR_FRAME if "landmarks68" in file else None
            yield HeadScan(
                path.stem,
                file["vertices"] * _TO_OUR_FRAME,
                file["triangles"].astype(np.int64),
                file["uv"].astype(float),
                read_photograph(picture),
                points,
                points is not None,
            )


def in_our_order(landmarks: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Returns points `(68, 3)` in the order of `ibug68`, whether given so or in menpo3d's order.

    Args:
        landmarks: the points.
        mean: `(68, 3)` those of a mean face: the order is the one that fits them better.
    """
    orders = landmarks, landmarks[MENPO_ORDER]
    return min(orders, key=lambda p: np.linalg.norm(similarity(mean, p).placed(mean) - p))


def upright(scan: HeadScan, model: GridModel) -> tuple[HeadScan, np.ndarray]:
    """Brings a scan into the frame of the face model, where it looks straight at the viewer.

    Straight is how the model's mean face looks, when a similarity has brought it as near as may be
    to the scan's surface. A scan with 68 points is in millimetres and stays as large as it is. One
    without has no unit: it is made as large as the mean face, and gets the landmarks of the
    model fitted to it.

    Returns:
        The scan, and points `(P, 3)` of its face, see `face_points`.
    """
    mean = model.mean.astype(float)
    if scan.measured:
        marks = mean[model.landmarks["ibug68"]]
        scan = replace(scan, landmarks=in_our_order(scan.landmarks, marks))
        placement = similarity(marks, scan.landmarks, rigid=True)
    else:
        placement = _first_placement(scan, mean, mean[model.landmarks["ibug68"][NOSE_TIP]])
    for _ in range(2):  # the second time with the right points
        scan = scan.undone(placement)
        points = face_points(scan, model)
        placement = fit_surface(points, mean, model.triangles).placement
        if scan.measured:
            placement = replace(placement, scale=1.0)
    scan = scan.undone(placement)
    points = face_points(scan, model)
    if not scan.measured:
        fitted = fit_surface(points, mean, model.triangles, model.basis, rigid=True).vertices
        scan = replace(scan, landmarks=fitted[model.landmarks["ibug68"]])
    return scan, points


def face_points(scan: HeadScan, model: GridModel) -> np.ndarray:
    """Returns points `(P, 3)`, spread evenly over the face of a scan in the model's frame.

    The face is what lies within 80 mm of the tip of the model's nose and within 25 mm of the mean
    face, nearest to a place inside of its border, and is seen from somewhere in front: what lies
    within the mouth or behind the lids is not.
    """
    nose, triangles = model.mean[model.landmarks["ibug68"][NOSE_TIP]], scan.triangles
    near = np.linalg.norm(scan.vertices[triangles] - nose, axis=2).min(axis=1) < _RADIUS
    corners = scan.vertices[triangles[near]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(normals, axis=1)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(corners), 2 * _POINTS, p=areas / areas.sum())
    points = np.einsum("pk,pkx->px", rng.dirichlet(np.ones(3), len(chosen)), corners[chosen])
    normals = normals[chosen] / areas[chosen, None]
    squared, met, _ = igl.point_mesh_squared_distance(
        points, model.mean.astype(float), model.triangles.astype(np.int64)
    )
    row, column = np.unravel_index(model.triangles[met], model.grid_shape)
    last_row, last_column = np.array(model.grid_shape) - 1
    border = (row % last_row == 0) | (column % last_column == 0)
    counts = ~border.any(axis=1) & (squared < _REACH**2)
    counts &= np.linalg.norm(points - nose, axis=1) < _RADIUS
    counts[counts] = _seen(scan, points[counts], normals[counts])
    return points[counts]


def _seen(scan, points, normals):
    """Returns which points of a scan are seen from somewhere in front, `(P,)` bool."""
    rays = EmbreeIntersector()
    rays.init(
        np.asfortranarray(scan.vertices, np.float32), np.asfortranarray(scan.triangles, np.int32)
    )
    origins, seen = (points + 0.1 * normals).astype(np.float32), np.zeros(len(points), bool)
    for yaw in np.radians(_VIEWS):
        towards = np.array([np.sin(yaw), 0, -np.cos(yaw)], np.float32)
        for place in np.flatnonzero(~seen & (normals @ towards > 0)):
            seen[place] = rays.intersectRay_first(origins[place], towards, 0.0, np.inf)[0] < 0
    return seen


def _first_placement(scan, mean, nose):
    """Returns the similarity of the mean face to a scan of unknown size, from the noses on."""
    across = np.abs(scan.vertices[:, 0] - np.median(scan.vertices[:, 0]))
    middle = scan.vertices[across < across.max() / 3]
    tip, height = middle[middle[:, 2].argmin()], np.ptp(scan.vertices[:, 1])
    points, best, least = mean[::20], None, np.inf
    for millimetres in _HEIGHTS:
        scale = height / millimetres
        placement = Placement(scale, np.eye(3), tip - scale * nose)
        for _ in range(_ROUNDS):
            squared, _, closest = igl.point_mesh_squared_distance(
                placement.placed(points), scan.vertices, scan.triangles
            )
            near = squared <= np.quantile(squared, _CLOSEST_SHARE)
            placement = similarity(points[near], closest[near])
        distance = np.sqrt(squared[near].mean()) / placement.scale
        if distance < least:
            best, least = placement, distance
    return best
