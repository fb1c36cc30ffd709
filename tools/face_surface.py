"""Makes the face surface: one disc, mirror symmetric, cut out of the MakeHuman base mesh."""

from dataclasses import dataclass

import igl
import numpy as np
import scipy.sparse
from scipy.sparse.csgraph import connected_components

from keras_3dmmstn.mesh.cutting.face_outline import angle_beyond_outline
from keras_3dmmstn.mesh.cutting.holes import close_holes
from keras_3dmmstn.mesh.cutting.mesh_cut import cut_at_zero
from keras_3dmmstn.mesh.flattening.symmetry import find_mirror

# Closed edge loops of the base mesh along which the surface is cut before its holes are
# capped: the first edge of each, on the image-left side or across the symmetry line. What is
# behind them (eye sockets, mouth, nostrils) goes. The lips' loop is where they touch when closed.
_LID_EDGE = (4848, 4847)
_NOSTRIL_EDGE = (350, 349)
_LIP_EDGE = (520, 521)
_NOSE_TIP = 297
# Eyes lie within this many millimetres of the origin, down.
_EYES_END = 20.0
# How far behind the lips the middle of the mouth's cap lies, millimetres.
_RECESS = 1.5
# The face ends just beyond the jaw line: see `angle_beyond_outline`.
_OUTLINE = (
    (0, 57), (35, 63), (65, 80), (90, 88.5), (108, 89.5), (122, 87), (132, 83), (142, 76.5),
    (153, 66.5), (166, 60), (180, 58)
)  # fmt: skip


@dataclass(frozen=True)
class FaceSurface:
    """The face surface as linear combinations of the base mesh's vertices.

    Attributes:
        weights: `(N, 19158)` sparse: `weights @ base_vertices` are the face's vertices.
        triangles: `(T, 3)`, counter-clockwise seen from outside.
        mirror: `(N,)` index of each vertex's mirror image.
        pupils: the vertices at the front of the image-left and the image-right eyeball.
        recess: `(N,)` millimetres by which the mouth's cap is set back behind the lips.
        skin_count: how many of the triangles, the first ones, are skin; the others are caps.
    """

    weights: scipy.sparse.csr_array
    triangles: np.ndarray
    mirror: np.ndarray
    pupils: np.ndarray
    recess: np.ndarray
    skin_count: int

    def regions(self, vertices: np.ndarray) -> dict[str, np.ndarray]:
        """Returns name to vertices of what lies inside of eyes, nostrils and mouth.

        Args:
            vertices: `(N, 3)` of the mean face, the origin between its eyes.
        """
        skin, caps = np.split(self.triangles, [self.skin_count])
        _, part = igl.facet_components(caps.astype(np.int64))
        regions = {}
        for number in np.unique(part):
            inside = np.setdiff1d(caps[part == number], skin)
            x, y = vertices[inside].mean(axis=0)[:2]
            side = "" if abs(x) < 1 else "left_" if x < 0 else "right_"
            feature = "eye" if abs(y) < _EYES_END else "nostril" if side else "mouth"
            regions[side + feature] = inside
        return regions


def cut_face(vertices, quads, mirror) -> FaceSurface:
    """Cuts the face out of an adult of the base mesh's topology and makes it one disc.

    Args:
        vertices: `(19158, 3)` of an average adult, exactly symmetric.
        quads: the base mesh's faces by group.
        mirror: `(19158,)` index of each vertex's mirror image.
    """
    skin = _outer_skin(quads["body"], mirror)
    eye = vertices[np.unique(quads["helper-r-eye"])].mean(axis=0)
    generous = angle_beyond_outline(vertices, eye, _OUTLINE) < np.radians(15)
    skin = skin[generous[skin].all(axis=1)]
    triangles = _triangulate(skin, vertices, mirror)

    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    select = scipy.sparse.eye_array(len(vertices), format="csr")[used]
    refine, triangles = igl.loop_matrix(triangles, len(used))
    weights = scipy.sparse.csr_array(refine) @ select

    beyond = angle_beyond_outline(weights @ vertices, eye, _OUTLINE)
    cut, triangles = cut_at_zero(beyond, triangles)
    weights = cut @ weights
    apexes = _apex_weights(vertices, quads)
    weights = scipy.sparse.csr_array(scipy.sparse.vstack([weights, apexes]))
    loose = np.arange(weights.shape[0] - apexes.shape[0], weights.shape[0])
    skin_count = len(triangles)
    close, triangles = close_holes(weights @ vertices, triangles, loose)
    weights, recess = close @ weights, _RECESS * close[:, [loose[-1]]].toarray()[:, 0]

    used, triangles = np.unique(triangles, return_inverse=True)
    triangles = triangles.reshape(-1, 3)
    weights, recess = weights[used], recess[used]
    points = weights @ vertices
    pupils = [np.linalg.norm(points - apex, axis=1).argmin() for apex in (apexes @ vertices)[:2]]
    mirror = find_mirror(points, triangles)
    return FaceSurface(weights, triangles, mirror, np.array(pupils), recess, skin_count)


def _outer_skin(quads, mirror):
    """Returns the quads in front of the cutting loops, of the part that holds the nose tip."""
    barriers = set()
    for edge, both_sides in ((_LID_EDGE, True), (_NOSTRIL_EDGE, True), (_LIP_EDGE, False)):
        loop = _edge_loop(quads, *edge)
        loops = [loop, [int(mirror[v]) for v in loop]] if both_sides else [loop]
        for one in loops:
            barriers |= {frozenset(pair) for pair in zip(one, one[1:] + one[:1], strict=True)}

    owner, rows, columns = {}, [], []
    for face, quad in enumerate(quads.tolist()):
        for pair in zip(quad, quad[1:] + quad[:1], strict=True):
            edge = frozenset(pair)
            if edge in owner and edge not in barriers:
                rows.append(face)
                columns.append(owner[edge])
            owner[edge] = face
    graph = scipy.sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(quads),) * 2)
    part = connected_components(graph, directed=False)[1]
    return quads[part == part[(quads == _NOSE_TIP).any(axis=1)][0]]


def _edge_loop(quads, first, second):
    """Follows an edge straight on through vertices of four quads until it comes round."""
    around = {}
    for quad in quads.tolist():
        for corner in range(4):
            before, vertex, after = quad[corner - 1], quad[corner], quad[(corner + 1) % 4]
            around.setdefault(vertex, []).append({before, after})
    loop = [first, second]
    while True:
        came_from, vertex = loop[-2:]
        beside = set().union(*(pair for pair in around[vertex] if came_from in pair))
        (ahead,) = set().union(*around[vertex]) - beside
        if ahead == first:
            return loop
        loop.append(ahead)


def _triangulate(quads, vertices, mirror):
    """Splits quads at their shorter diagonal, and their mirror images at its mirror image."""
    left = quads[vertices[quads, 0].mean(axis=1) < 0]
    a, b, c, d = vertices[left].transpose(1, 0, 2)
    use_ac = (np.linalg.norm(a - c, axis=1) <= np.linalg.norm(b - d, axis=1))[:, None]
    first = np.where(use_ac, left[:, [0, 1, 2]], left[:, [1, 2, 3]])
    second = np.where(use_ac, left[:, [0, 2, 3]], left[:, [1, 3, 0]])
    half = np.concatenate([first, second])
    return np.concatenate([half, mirror[half][:, ::-1]])


def _apex_weights(vertices, quads):
    """Returns the `(3, 19158)` weights of both eyeballs' fronts and of the lips' middle."""
    rows = []
    for group in ("helper-r-eye", "helper-l-eye"):
        eye = np.unique(quads[group])
        rows.append(eye[vertices[eye, 2] < vertices[eye, 2].min() + 2.5])
    rows.append(_edge_loop(quads["body"], *_LIP_EDGE))
    weights = scipy.sparse.lil_array((len(rows), len(vertices)))
    for row, members in enumerate(rows):
        weights[row, members] = 1 / len(members)
    return weights.tocsr()
