"""Where a photograph may be shown on the face that it was taken of."""

import cv2
import numpy as np

from keras_3dmmstn.inference.view.photographed_face import PhotographedFace
from keras_3dmmstn.inference.view.rasterisation import rasterise
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals

# Each pair is the value up to which the photograph is fully shown, and from which it is not shown.
# How far a vertex lies behind what the camera sees in its place, millimetres: closed lips touch, a
# cheek lies far behind the nose.
_BEHIND = (1.5, 4.0)
# The angle between the surface's normal and the direction to the camera, degrees.
_GRAZING = (74.0, 82.0)
# Distance in the photograph from the outline where the face turns away, millimetres: no fit is so
# exact that the pixels there certainly show the face.
_OUTLINE = (7.0, 3.0)
# Slits narrower than the first share of the grid are shown; splinters narrower than the second are
# not, nor islands smaller than the third share of its area.
_SLIT, _SPLINTER, _ISLAND = 0.06, 0.05, 0.02
# Standard deviation of the blur that softens all borders, in vertices.
_BLUR = 1.0
# At vertices this near to the border of the grid, as a share of it, the mesh ends, not the face.
_RIM = 0.06
# Pixels of the depth buffer along the larger side, per vertex there.
_DETAIL = 2


def opacity(face: PhotographedFace) -> np.ndarray:
    """Returns how far each vertex may show the photograph, `(H', W')` float32 from 0 to 1.

    It falls to 0 where another part of the face hides the vertex (1.5 to 4 mm behind it), where
    the surface is seen at a grazing angle (74° to 82° between its normal and the camera), and near
    the outline where it turns away (7 to 3 mm). Slits, as between closed lips, are shown;
    splinters and islands are not. It is finer than the mask of the vertices, and does not depend on
    how that is computed.
    """
    if face.shown is not None:
        return face.shown
    behind, to_outline = _depth_behind(face)
    normals = grid_normals(face.posed, face.grid_model.grid_shape)
    facing = (normals * face.towards_camera).sum(axis=1).reshape(face.grid_model.grid_shape)
    shown = _fall(behind, *_BEHIND) * _fall(-facing, *-np.cos(np.radians(_GRAZING)))
    shown = _morphed(shown.astype(np.float32), cv2.MORPH_CLOSE, _SLIT)
    shown = np.minimum(shown, _fall(-to_outline, *-np.array(_OUTLINE))).astype(np.float32)
    shown = _morphed(shown, cv2.MORPH_OPEN, _SPLINTER)
    soft = cv2.GaussianBlur(shown, (0, 0), _BLUR, borderType=cv2.BORDER_REPLICATE)
    return _without_islands(_fall(-soft, -0.95, -0.3)).astype(np.float32)


def _depth_behind(face):
    """Returns the vertices' depth behind the visible surface, and distance to the outline, in mm.

    The outline is where the surface turns away in front of the background; the end of the mesh does
    not count.
    """
    rows, columns = face.grid_model.grid_shape
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    zoom = _DETAIL * max(rows, columns) / max(float((high - low).max()), 1e-6)
    points = (face.points - low) * zoom + 2
    height, width = (np.ceil((high - low) * zoom)[::-1] + 5).astype(int).tolist()
    depth = face.posed[:, 2]
    margin = max(1, round(_RIM * max(rows, columns)))
    rim = np.pad(np.zeros((rows - 2 * margin, columns - 2 * margin)), margin, constant_values=1)
    raster = rasterise(points, depth, face.grid_model.triangles, (height, width))
    seen = raster.interpolate(np.stack([depth, rim.ravel()]))
    nearest = np.full(height * width, np.inf, np.float32)
    nearest[raster.pixels] = seen[0]
    outline = np.zeros(height * width, bool)
    outline[raster.pixels] = seen[1] == 0
    covered = np.isfinite(nearest).reshape(height, width).astype(np.uint8)
    outline = outline.reshape(height, width) & (cv2.erode(covered, np.ones((3, 3))) == 0)
    distance = np.full((height, width), np.inf, np.float32)
    if outline.any():
        distance = cv2.distanceTransform((~outline).astype(np.uint8), cv2.DIST_L2, 5)
    x, y = np.rint(points.T).astype(int)
    behind = depth - nearest.reshape(height, width)[y, x]
    millimetres = distance[y, x] / (zoom * face.scale)
    return behind.reshape(rows, columns), millimetres.reshape(rows, columns)


def _morphed(shown, operation, share):
    """Opens or closes parts narrower than a share of the grid."""
    size = 2 * round(share * max(shown.shape) / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    padded = np.pad(shown, size)
    return cv2.morphologyEx(padded, operation, kernel)[size:-size, size:-size]


def _without_islands(shown):
    """Removes small isolated pieces."""
    _, labels, pieces, _ = cv2.connectedComponentsWithStats((shown > 0.2).astype(np.uint8))
    kept = pieces[:, cv2.CC_STAT_AREA] >= _ISLAND * shown.size
    kept[0] = False
    return shown * kept[labels]


def _fall(values, full, nothing):
    """Returns 1 up to `full`, 0 from `nothing` on, and a smooth transition between."""
    share = np.clip((nothing - values) / (nothing - full), 0, 1)
    return share * share * (3 - 2 * share)
