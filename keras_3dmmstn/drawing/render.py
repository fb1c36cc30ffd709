"""Pictures of faces: shaded meshes and geometry images, drawn in software."""

import cv2
import numpy as np

from keras_3dmmstn.mesh.grid_model import GridModel

_SKIN = (222, 184, 160)
# Unit vector towards the lamp, which stands above the viewer's left shoulder.
_TOWARDS_LIGHT = np.array([-0.35, -0.45, -0.82]) / np.linalg.norm([-0.35, -0.45, -0.82])
_AMBIENT = 0.25
# The picture is drawn this many times larger and averaged down, which smooths its edges.
_SUPERSAMPLING = 2
# cv2.fillConvexPoly takes fixed-point coordinates with this many fractional bits.
_FRACTION_BITS = 4


def render_mesh(
    vertices: np.ndarray,
    triangles: np.ndarray,
    size: int | tuple[int, int] = 512,
    *,
    colours: np.ndarray | None = None,
    points: np.ndarray | None = None,
    axis_angle: tuple[float, float, float] = (0.0, 0.0, 0.0),
    frame: tuple[np.ndarray, float] | None = None,
    background: tuple[int, int, int] = (255, 255, 255),
) -> np.ndarray:
    """Draws a shaded mesh under orthographic projection, farthest triangles first.

    Triangles that face away from the viewer are drawn darker, so that a surface
    turned inside out is obvious.

    Args:
        vertices: `(N, 3)`, x right, y down, z away from the viewer.
        triangles: `(T, 3)` vertex indices, counter-clockwise as seen from outside.
        size: height and width of the picture in pixels, or one number for both.
        colours: `(N, 3)` RGB in 0..255 for each vertex; skin colour if None.
        points: `(L, 3)` points to mark on top of the mesh, in the vertices' frame.
        axis_angle: rotation of mesh and points before the projection, in radians,
            about the middle of the mesh's bounding box.
        frame: centre `(2,)` and width of the view in the vertices' unit. The centre is shown in the
            middle of the picture, pixel ((width − 1) / 2, (height − 1) / 2). None fits the view
            to the rotated mesh. Pass the same frame to compare several meshes.
        background: RGB in 0..255.

    Returns:
        `(height, width, 3)` uint8 RGB picture.
    """
    height, width = (size, size) if isinstance(size, int) else size
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    rotation = cv2.Rodrigues(np.asarray(axis_angle, np.float64))[0]
    turned = (vertices - middle) @ rotation.T + middle
    centre, view_width = frame or _fitting_frame(turned, height / width)

    scale = _SUPERSAMPLING * width / view_width
    offset = (_SUPERSAMPLING * np.array([width, height]) - 1) / 2
    canvas = np.full((height * _SUPERSAMPLING, width * _SUPERSAMPLING, 3), background, np.uint8)
    triangle_colours = _shaded_colours(turned, triangles, colours)
    corners = ((turned[:, :2] - centre) * scale + offset) * (1 << _FRACTION_BITS)
    corners = np.round(corners).astype(np.int32)[triangles]  # (T, 3, 2)
    for index in np.argsort(-turned[triangles, 2].mean(axis=1)):
        colour = triangle_colours[index].tolist()
        cv2.fillConvexPoly(canvas, corners[index], colour, cv2.LINE_8, _FRACTION_BITS)
    picture = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)

    if points is not None:
        turned_points = (points - middle) @ rotation.T + middle
        marks = ((turned_points[:, :2] - centre) * scale + offset + 0.5) / _SUPERSAMPLING - 0.5
        for x, y in np.round(marks).astype(int).tolist():
            cv2.circle(picture, (x, y), max(1, width // 250), (200, 0, 0), -1, cv2.LINE_AA)
    return picture


def geometry_image(grid_model: GridModel) -> np.ndarray:
    """Draws the mean face's x, y and z as red, green and blue on the model's grid.

    Args:
        grid_model: the model, with a grid of (H', W').

    Returns:
        `(H', W', 3)` uint8 picture; each channel spans 0..255.
    """
    low, high = grid_model.mean.min(axis=0), grid_model.mean.max(axis=0)
    spread = (grid_model.mean - low) / (high - low)
    return np.round(255 * spread).astype(np.uint8).reshape(*grid_model.grid_shape, 3)


def _fitting_frame(vertices, aspect):
    """Returns the centre `(2,)` and width of a view of `vertices` `(N, 3)` with a margin."""
    low, high = vertices[:, :2].min(axis=0), vertices[:, :2].max(axis=0)
    extent = high - low
    return (low + high) / 2, 1.05 * max(extent[0], extent[1] / aspect)


def _shaded_colours(vertices, triangles, colours):
    """Returns `(T, 3)` RGB by Lambert's law, from normals smoothed over the vertices."""
    edges = vertices[triangles]  # (T, 3, 3)
    face_normals = np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0])
    normals = np.zeros_like(vertices, dtype=np.float64)
    np.add.at(normals, triangles, face_normals[:, None, :])
    normals = normals[triangles].sum(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)

    diffuse = np.clip(normals @ _TOWARDS_LIGHT, 0, 1)
    shade = _AMBIENT + (1 - _AMBIENT) * diffuse
    shade = np.where(face_normals[:, 2] < 0, shade, 0.3)
    skin = np.asarray(_SKIN, np.float64)
    base = skin if colours is None else np.asarray(colours, np.float64)[triangles].mean(axis=1)
    return np.clip(base * shade[:, None], 0, 255)
