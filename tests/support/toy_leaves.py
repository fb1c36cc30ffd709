"""Leaves without any symmetry: registered meshes of something that is no face."""

import numpy as np

ROWS, COLUMNS = 21, 17
#: Vertices of the landmarks: stalk, tip, both sides of the middle, and the middle.
LANDMARKS = np.array([ROWS * COLUMNS - 9, 8, 10 * COLUMNS, 10 * COLUMNS + 16, 10 * COLUMNS + 8])
#: The vertices that are the corners of the mesh: top left, top right, bottom right, bottom left.
CORNERS = (0, COLUMNS - 1, ROWS * COLUMNS - 1, (ROWS - 1) * COLUMNS)


def leaf(width=40.0, length=70.0, bend=15.0, lopsided=0.3, arch=12.0):
    """Returns the vertices `(357, 3)` of a leaf that looks at the viewer, millimetres."""
    down, across = np.meshgrid(np.linspace(-1, 1, ROWS), np.linspace(-1, 1, COLUMNS), indexing="ij")
    half = width * (1 - 0.7 * down**2) * np.where(across < 0, 1 + lopsided, 1 - lopsided)
    x = across * half + bend * down**2
    z = arch * (across**2 + 0.5 * down**2) + 3 * down * across
    return np.stack([x, length * down, z], axis=-1).reshape(-1, 3)


def leaves(count=12, seed=0):
    """Returns the meshes `(count, 357, 3)` of random leaves."""
    rng = np.random.default_rng(seed)
    middle, spread = np.array([40, 70, 15, 0.3, 12]), np.array([6, 8, 6, 0.08, 3])
    return np.array([leaf(*(middle + spread * rng.uniform(-1, 1, 5))) for _ in range(count)])


def leaf_triangles():
    """Returns the triangles `(T, 3)` of all leaves, outward, all diagonals one way."""
    index = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    return np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3)
