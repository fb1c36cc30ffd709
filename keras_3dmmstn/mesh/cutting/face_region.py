"""The face of a published head model: one mirror-symmetric disc, cut using the mesh alone."""

import igl
import numpy as np
import scipy.sparse
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.cutting.cavities import depth_in_cavities
from keras_3dmmstn.mesh.cutting.face_outline import angle_beyond_outline
from keras_3dmmstn.mesh.cutting.holes import boundary_loops, close_holes
from keras_3dmmstn.mesh.cutting.mesh_cut import cut_at_zero
from keras_3dmmstn.mesh.cutting.symmetric_remesh import symmetrise
from keras_3dmmstn.mesh.cutting.trimming import (
    check_surface,
    component_around,
    trim,
    without_pinches,
    without_repeats,
)
from keras_3dmmstn.mesh.flattening.symmetry import find_mirror
from keras_3dmmstn.mesh.landmark_sets import AFLW21_NAMES, MIRROR, NOSE_TIP
from keras_3dmmstn.mesh.shape_model import ShapeModel

#: How the region that becomes the grid is chosen.
REGIONS = ("face", "radius", "all")

# How far (mm) a landmark whose vertex is cut away may move, to the rim or the cap of a hole.
_FARTHEST_MOVE = 12.0
# An eyeball's centre lies this far behind the middle of its lids, in interpupillary distances.
_EYE_DEPTH = 0.23
# The landmarks between which each eye's middle lies, image-left eye first.
_EYES = {"ibug68": (range(36, 42), range(42, 48)), "aflw21": ((7,), (10,))}
# The landmark on the tip of the nose.
_NOSE_TIPS = {"ibug68": NOSE_TIP, "aflw21": AFLW21_NAMES.index("nose centre")}
# An exact mirror map is searched for if at least this share of triangles seems to have an image.
_WORTH_A_SEARCH = 0.8


def cut_face(
    model: ShapeModel,
    region: str = "face",
    radius: float = 110.0,
    centre: tuple[float, float, float] | None = None,
    keep_cavities: bool = False,
) -> ShapeModel:
    """Makes one mirror-symmetric disc from the face of a head model.

    First the connected component of the face is kept, without eyeballs, teeth, tongue and lashes
    that are separate pieces, and cut to the region. Its holes (eyes, mouth) are closed and its
    dangling triangles trimmed. Then cavities (mouth, eye sockets, nostrils) are cut off where they
    begin and closed. Finally the triangulation is made mirror symmetric if it is not
    (`symmetrise`). Every vertex of the result is a linear combination of given ones, so mean and
    basis carry over alike.

    Args:
        model: any head or face, roughly symmetric about x = 0.
        region: `"face"`, from the hairline to under the jaw and from ear to ear (needs landmarks
            `ibug68` or `aflw21`, which locate the eyes); `"radius"`, all within `radius` of
            `centre`; `"all"`.
        radius: millimetres.
        centre: x, y, z in millimetres; None takes the tip of the nose.
        keep_cavities: whether to keep the inside of mouth, eyes and nostrils.

    Returns:
        The face, with a mirror map. A landmark that is cut away moves to the nearest vertex.

    Raises:
        ValueError: if the region is unknown or empty, a landmark lies far outside it, or the
            surface cannot be made a symmetric disc.
    """
    if region not in REGIONS:
        raise ValueError(f"cut_face expects a region of {', '.join(REGIONS)}, received {region!r}.")
    vertices = model.mean.astype(np.float64)
    triangles = without_repeats(model.triangles.astype(np.int64))
    triangles = component_around(triangles, nose_tip(model))
    check_surface(triangles)
    if not igl.doublearea(vertices, triangles).any():
        raise ValueError("Expected triangles with an area, received none that has one.")
    weights = scipy.sparse.csr_array(scipy.sparse.eye_array(len(vertices)))
    weights, triangles = _without_loose_vertices(weights, triangles)
    if region != "all":
        points = weights @ vertices
        beyond = _beyond_region(model, points, region, radius, centre)
        beyond = _symmetric(beyond, points, triangles)
        if not (beyond[triangles] < 0).any():
            raise ValueError(f"The region {region!r} holds no part of the face.")
        weights, triangles = _then(weights, *cut_at_zero(beyond, triangles))

    weights, triangles = _disc(weights, triangles, vertices)
    if not keep_cavities:
        points, rows = weights @ vertices, _rows_of_vertices(weights, _landmark_vertices(model))
        depth = _symmetric(depth_in_cavities(points, triangles, rows[rows >= 0]), points, triangles)
        if (depth > 0).any():
            weights, triangles = _then(weights, *cut_at_zero(depth, triangles))
            weights, triangles = _disc(weights, triangles, vertices)
    mirror = _mirror_if_symmetric(weights @ vertices, triangles)
    if mirror is None:
        pairs = _rows_of_vertices(weights, _landmark_pairs(model))
        pairs = pairs[(pairs >= 0).all(axis=1)]
        step, triangles, mirror = symmetrise(weights @ vertices, triangles, pairs)
        weights = step @ weights
    return _carry_over(model, weights, triangles, mirror)


def nose_tip(model: ShapeModel) -> int:
    """Returns the vertex of the tip of the nose.

    Without landmarks it is the foremost vertex in the middle third across the largest component.
    """
    for name, point in _NOSE_TIPS.items():
        if name in model.landmarks:
            return int(model.landmarks[name][point])
    if not len(model.triangles):
        raise ValueError("Expected a surface, received no triangles.")
    _, part = igl.facet_components(model.triangles.astype(np.int64))
    largest = model.triangles[part == np.argmax(np.bincount(part))]
    candidates = np.unique(largest)
    x = np.abs(model.mean[candidates, 0])
    candidates = candidates[x <= max(x.max() / 3, x.min())]
    return int(candidates[np.argmin(model.mean[candidates, 2])])


def _beyond_region(model, points, region, radius, centre):
    """Returns numbers that are negative at the `points` inside the region, `(N,)`."""
    if region == "radius":
        centre = model.mean[nose_tip(model)] if centre is None else np.asarray(centre)
        return np.linalg.norm(points - centre * [0, 1, 1], axis=1) - radius
    for name, eyes in _EYES.items():
        if name in model.landmarks:
            left, right = (
                model.mean[model.landmarks[name][list(eye)]].mean(axis=0) for eye in eyes
            )
            distance = np.linalg.norm(right - left)
            _, y, z = (left + right) / 2
            eye = np.array([distance / 2, y, z + _EYE_DEPTH * distance])
            return angle_beyond_outline(points, eye)
    raise ValueError(
        "The region 'face' is found from the eyes: expected landmarks ibug68 or aflw21, received "
        f"a model with {', '.join(model.landmarks) or 'none'}. Transfer some from another model "
        "(transfer_landmarks, --landmarks-from), or cut by radius."
    )


def _mirror_if_symmetric(vertices, triangles):
    """Returns the mirror map of a symmetric triangulation, and None for any other."""
    image = cKDTree(vertices).query(vertices * [-1, 1, 1])[1][triangles]
    digits = len(vertices) ** np.arange(3)
    own, reflected = (np.sort(t, axis=1) @ digits for t in (triangles, image))
    if np.isin(reflected, own).mean() < _WORTH_A_SEARCH:
        return None
    try:
        return find_mirror(vertices, triangles)
    except ValueError:
        return None


def _symmetric(values, points, triangles):
    """Makes values `(N,)` as symmetric as the triangulation, as a mean of scans may be less so."""
    mirror = _mirror_if_symmetric(points, triangles)
    return values if mirror is None else (values + values[mirror]) / 2


def _disc(weights, triangles, vertices):
    """Makes the largest part one disc: closes its holes and trims dangling triangles."""
    weights, triangles = _without_loose_vertices(weights, without_pinches(triangles))
    loops = len(boundary_loops(triangles))
    if not loops:
        raise ValueError("Expected a surface with a boundary, received a closed one: cut it.")
    if loops > 1:
        weights, triangles = _then(weights, *close_holes(weights @ vertices, triangles))
    return _without_loose_vertices(weights, trim(triangles))


def _then(weights, step, triangles):
    """Returns the weights after one more step, and its triangles."""
    return step @ weights, triangles


def _without_loose_vertices(weights, triangles):
    """Removes the rows of vertices that are in no triangle."""
    used, triangles = np.unique(triangles, return_inverse=True)
    return weights[used], triangles.reshape(-1, 3)


def _carry_over(model, weights, triangles, mirror):
    """Returns the model on the new vertices, each landmark where it was or close by."""
    vertices = weights @ model.mean.astype(np.float64)
    wanted = _landmark_vertices(model)
    place = _rows_of_vertices(weights, wanted)
    lost = np.flatnonzero(place < 0)
    distance, nearest = cKDTree(vertices).query(model.mean[wanted[lost]])
    if len(lost) and distance.max() > _FARTHEST_MOVE:
        vertex = wanted[lost[np.argmax(distance)]]
        names = [
            f"{set_name}[{k}]"
            for set_name, all_points in model.landmarks.items()
            for k in np.flatnonzero(all_points == vertex)
        ]
        raise ValueError(
            f"Landmark {' and '.join(names)} lies {distance.max():.0f} mm outside of the region: "
            "take a larger region, or a model without this landmark."
        )
    place[lost] = nearest

    index_of = dict(zip(wanted.tolist(), place.tolist(), strict=True))
    return ShapeModel(
        mean=vertices,
        basis=np.stack([weights @ mode for mode in model.basis.astype(np.float64)]),
        triangles=triangles,
        landmarks={
            name: np.array([index_of[vertex] for vertex in points.tolist()], np.int32)
            for name, points in model.landmarks.items()
        },
        identity_count=model.identity_count,
        mirror=mirror,
        name=model.name,
        expression_units=model.expression_units,
    )


def _landmark_pairs(model):
    """Returns the vertices of landmark pairs of known sets, image-left first, `(n, 2)`."""
    pairs = np.concatenate(
        [np.empty((0, 2), int)]
        + [
            np.stack([points, points[MIRROR[name]]], axis=1)
            for name, points in model.landmarks.items()
            if name in MIRROR
        ]
    )
    return np.unique(pairs[model.mean[pairs[:, 0], 0] < model.mean[pairs[:, 1], 0]], axis=0)


def _landmark_vertices(model):
    """Returns the vertices that are landmarks, without repeats."""
    return np.unique(np.concatenate([np.array([], int), *model.landmarks.values()])).astype(int)


def _rows_of_vertices(weights, wanted):
    """Returns, for each given vertex, the row that is this vertex alone, or −1."""
    row_of = np.full(weights.shape[1], -1)
    single = np.flatnonzero(np.diff(weights.indptr) == 1)
    row_of[weights.indices[weights.indptr[single]]] = single
    return row_of[wanted]
