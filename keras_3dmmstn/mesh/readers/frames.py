"""Axes, units and triangle orientation of published models, converted to the package's."""

import numpy as np

#: Millimetres in one unit of a model's files.
MILLIMETRES = {"um": 0.001, "mm": 1.0, "cm": 10.0, "m": 1000.0}

#: Factors that convert a frame's axes to the package's. Both frames are right-handed.
AXES = {
    "y up": np.array([1.0, -1.0, -1.0]),  # x image-right, y up, z towards the viewer
    "y down": np.array([1.0, 1.0, 1.0]),  # x image-right, y down, z away from the viewer
}


def check_frame(who: str, unit: str, frame: str) -> None:
    """Raises a ValueError unless unit and frame are known."""
    for name, received, known in (("unit", unit, MILLIMETRES), ("frame", frame, AXES)):
        if received not in known:
            values = ", ".join(f'"{value}"' for value in known)
            raise ValueError(f"{who} expects `{name}` among {values}, received {received!r}.")


def to_package_frame(points: np.ndarray, unit: str, frame: str = "y up") -> np.ndarray:
    """Converts positions or offsets to x right, y down, z away from the viewer, millimetres.

    Args:
        points: `(..., 3)`, in `unit` and `frame`.
        unit: a key of `MILLIMETRES`.
        frame: a key of `AXES`. Every published model in this folder has y up.

    Returns:
        `(..., 3)` float32.
    """
    return np.asarray(points * (AXES[frame] * MILLIMETRES[unit]).astype(np.float32), np.float32)


def outward_triangles(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Returns the triangles counter-clockwise as seen from outside.

    All triangles of a file have the same orientation. It is reversed if the volume they enclose
    with the centre of the vertices is negative, which tells inside from outside both on a closed
    head and on an open face.

    Args:
        vertices: `(vertices, 3)` in a right-handed frame.
        triangles: `(triangles, 3)` vertex indices, all of one orientation.
    """
    corners = np.asarray(vertices, np.float64)[triangles] - vertices[triangles].mean(axis=(0, 1))
    volume = np.linalg.det(corners).sum()
    return triangles if volume >= 0 else triangles[:, ::-1]
