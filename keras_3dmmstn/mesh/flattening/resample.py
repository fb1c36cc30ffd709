"""The re-meshing of a flattened shape model on a regular grid."""

import igl
import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.shape_model import ShapeModel

# A grid vertex lies inside a region if the region's vertices have more than this share of it.
_INSIDE = 1e-3


def resample(shape_model: ShapeModel, uv: np.ndarray, grid_shape: tuple[int, int]) -> GridModel:
    """Re-samples mean, basis and landmarks of a flattened model on an H'×W' grid.

    Grid vertex (row, column) lies at (u, v) = (column / (W' − 1), row / (H' − 1)) and is
    interpolated barycentrically in its triangle, so it lies on the original surface. Each landmark
    gets the nearest free grid vertex, which is moved to the landmark unless a cell would fold. On
    a grid so coarse that several landmarks share a cell, some vertices are not moved. If the model
    has a mirror map, the image-left half is computed, and the other half is its reflection.

    Args:
        shape_model: a model; without a mirror map its grid is not symmetric.
        uv: `(vertices, 2)` from `flatten_symmetric` or, without a mirror map, `flatten_disc`.
        grid_shape: (H', W'), rows and columns.

    Returns:
        The model on the grid.

    Raises:
        ValueError: if sizes do not match, or the grid has too few vertices for the landmarks.

    Source:
        Bas et al. 2017, sec. 2.3.
    """
    if uv.shape != (len(shape_model.mean), 2):
        raise ValueError(
            f"resample expects `uv` of shape ({len(shape_model.mean)}, 2), received {uv.shape}."
        )
    rows, columns = grid_shape
    if not np.isfinite(uv).all():
        raise ValueError("resample expects finite `uv`, received NaN or infinity.")
    if rows < 2 or columns < 2:
        raise ValueError(f"resample expects a grid of at least 2 x 2, received {grid_shape}.")

    none = np.array([], np.int32)
    landmark_vertices = np.unique(np.concatenate([none, *shape_model.landmarks.values()]))
    if shape_model.mirror is not None:
        # The halves of the grid mirror each other, so a landmark of one moves a vertex in both.
        landmark_vertices = np.union1d(landmark_vertices, shape_model.mirror[landmark_vertices])
    grid_uv, grid_index = _place_landmarks(
        uv, landmark_vertices, shape_model.mirror, (rows, columns)
    )
    corners, weights = _locate(uv, shape_model.triangles, shape_model.mirror, grid_uv)

    index_of = dict(zip(landmark_vertices.tolist(), grid_index.tolist(), strict=True))
    return GridModel(
        mean=np.einsum("nk,nkx->nx", weights, shape_model.mean[corners]),
        basis=np.einsum("nk,dnkx->dnx", weights, shape_model.basis[:, corners]),
        grid_shape=(rows, columns),
        landmarks={
            name: np.array([index_of[int(v)] for v in vertices])
            for name, vertices in shape_model.landmarks.items()
        },
        identity_count=shape_model.identity_count,
        name=shape_model.name,
        regions={
            name: _inside(vertices, corners, weights, len(shape_model.mean))
            for name, vertices in shape_model.regions.items()
        },
        expression_units=shape_model.expression_units,
    )


def _inside(region, corners, weights, count):
    """Returns the grid vertices that lie inside a region's rim."""
    share = np.isin(np.arange(count), region)[corners] * weights
    return np.flatnonzero(share.sum(axis=1) > _INSIDE)


def _place_landmarks(uv, landmark_vertices, mirror, grid_shape):
    """Returns the grid's uv `(rows, columns, 2)` and the grid vertex of each landmark vertex."""
    rows, columns = grid_shape
    u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    regular = np.stack([u, v], axis=-1)
    left_columns = columns if mirror is None else (columns + 1) // 2
    left_index = np.arange(rows * columns).reshape(rows, columns)[:, :left_columns].ravel()

    is_left = (uv[landmark_vertices, 0] <= 0.5 + 1e-12) | (mirror is None)
    left_landmarks = landmark_vertices[is_left]
    if len(left_landmarks) > len(left_index):
        raise ValueError(
            f"resample expects a grid with a vertex for each landmark, received {rows} x {columns} "
            f"vertices for {len(landmark_vertices)} landmarks."
        )
    cells = np.array([columns - 1, rows - 1])
    distance = np.linalg.norm(
        (uv[left_landmarks, None] - regular.reshape(-1, 2)[None, left_index]) * cells, axis=-1
    )
    chosen = left_index[linear_sum_assignment(distance**2)[1]]

    grid_uv = regular.copy()
    for landmark, index in zip(left_landmarks, chosen, strict=True):
        row, column = divmod(int(index), columns)
        target = uv[landmark].copy()
        if mirror is not None and columns % 2 == 0 and mirror[landmark] == landmark:
            # An even grid has no column on the symmetry line, and two vertices must not meet
            # there: each of the pair stays a tenth of a cell away.
            target[0] = 0.5 - 0.1 / (columns - 1)
        _move_unless_it_folds(grid_uv, row, column, target)
    if mirror is None:
        return grid_uv, chosen
    grid_uv[:, columns - columns // 2 :] = (grid_uv * [-1, 1] + [1, 0])[:, : columns // 2][:, ::-1]

    index_of = dict(zip(left_landmarks.tolist(), chosen.tolist(), strict=True))
    grid_index = []
    for vertex in landmark_vertices.tolist():
        if vertex in index_of:
            grid_index.append(index_of[vertex])
        else:
            row, column = divmod(index_of[int(mirror[vertex])], columns)
            grid_index.append(row * columns + columns - 1 - column)
    return grid_uv, np.array(grid_index, int)


def _move_unless_it_folds(grid_uv, row, column, target):
    """Moves one grid vertex to `target` if the cells around it keep their orientation."""
    rows, columns, _ = grid_uv.shape
    edge_row, edge_column = row in (0, rows - 1), column in (0, columns - 1)
    before = grid_uv[row, column].copy()
    grid_uv[row, column] = np.where([edge_column, edge_row], before, target)
    patch = grid_uv[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
    right = np.diff(patch, axis=1)
    down = np.diff(patch, axis=0)
    # The four corner triangles of each cell: none may turn over.
    for along, across in [
        (right[:-1], down[:, :-1]),
        (right[1:], down[:, :-1]),
        (right[:-1], down[:, 1:]),
        (right[1:], down[:, 1:]),
    ]:
        if np.any(along[..., 0] * across[..., 1] - along[..., 1] * across[..., 0] <= 0):
            grid_uv[row, column] = before
            return


def _locate(uv, triangles, mirror, grid_uv):
    """Returns, for each grid vertex, the three mesh vertices around it and their weights."""
    rows, columns, _ = grid_uv.shape
    left_columns = columns if mirror is None else (columns + 1) // 2
    is_left = (uv[triangles, 0] <= 0.5 + 1e-12).all(axis=1) | (mirror is None)
    left_triangles = triangles[is_left].astype(np.int64)

    flat = np.pad(uv, [(0, 0), (0, 1)])
    points = np.pad(grid_uv[:, :left_columns].reshape(-1, 2), [(0, 0), (0, 1)])
    _, face, closest = igl.point_mesh_squared_distance(points, flat, left_triangles)
    corners = left_triangles[face]
    weights = igl.barycentric_coordinates(closest, *(flat[corners[:, k]] for k in range(3)))
    weights = np.clip(weights, 0.0, 1.0)
    weights /= weights.sum(axis=1, keepdims=True)
    if mirror is None:
        return corners, weights

    corners = corners.reshape(rows, left_columns, 3)
    weights = weights.reshape(rows, left_columns, 3)
    reflected = slice(columns // 2 - 1, None, -1)
    corners = np.concatenate([corners, mirror[corners[:, reflected]]], axis=1)
    weights = np.concatenate([weights, weights[:, reflected]], axis=1)
    return corners.reshape(-1, 3), weights.reshape(-1, 3)
