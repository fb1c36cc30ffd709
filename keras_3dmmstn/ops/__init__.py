"""The geometry of the paper as TensorFlow functions with hand-written gradients.

Conventions, each pinned by a test:

- Images are `(batch, height, width, channels)`, RGB. Pixel centres are at integer coordinates:
  (0, 0) is the centre of the top-left pixel, x points right, y points down. Outside the image
  is 0.
- 3D points are in one right-handed frame, for both model and camera: x right, y down, z away from
  the viewer, in millimetres. The mean face at r = 0 is upright and looks towards −z.
- The camera is the paper's: Y'' = exp(log s) · P · R(r) · X(α) + t, with P the first two rows of
  the identity, s in pixels per millimetre and t in pixels.
- A perspective camera sits at the origin and looks along +z: Y = f (X' + t)_xy / (X' + t)_z + c,
  with f and c in pixels and t, from the camera to the face's origin, in millimetres.
- Points are `(batch, N, 3)` and `(batch, N, 2)`; a vertex acts as a column: X' = R X.
- A grid has N = H'·W' points in row-major order. Row 0 is the forehead, column 0 the image-left
  side of an unturned face. The mirror image of (row, column) is (row, W' − 1 − column).
- θ is `(batch, 6 + D)`: r (3), t (2), log s (1), α (D).
- Visible means that the outward normal, turned by R, has z < 0 (with a perspective camera, that it
  points against the ray to its vertex), and, with the two exact methods, that no part of the face
  lies between the vertex and the viewer. A mask is 1 where visible and 0 where hidden,
  `(batch, H', W', 1)`.
- Every function accepts any float dtype and returns the same. Several leading axes count as batch
  where that costs nothing.
"""

from keras_3dmmstn.ops.contour import outermost, select_outermost
from keras_3dmmstn.ops.depth_buffer import self_occlusion_mask_by_depth
from keras_3dmmstn.ops.finer_grid import refine_grid, refine_mask
from keras_3dmmstn.ops.morphable_model import shape_from_coefficients
from keras_3dmmstn.ops.occlusion_table import self_occlusion_mask_by_table
from keras_3dmmstn.ops.parameters import split_parameters
from keras_3dmmstn.ops.perspective import project_perspective, translation_to_3d
from keras_3dmmstn.ops.projection import (
    log_scale_to_scale,
    project_orthographic,
    scale_points,
    select_points,
    translate_points,
)
from keras_3dmmstn.ops.rotation import axis_angle_to_matrix, rotate_points
from keras_3dmmstn.ops.sampling import points_to_grid, sample_bilinear
from keras_3dmmstn.ops.visibility import (
    follow_rims,
    mask_texture,
    self_occlusion_mask,
    without_specks,
)

__all__ = [
    "axis_angle_to_matrix",
    "follow_rims",
    "log_scale_to_scale",
    "mask_texture",
    "outermost",
    "points_to_grid",
    "project_orthographic",
    "project_perspective",
    "refine_grid",
    "refine_mask",
    "rotate_points",
    "sample_bilinear",
    "scale_points",
    "select_outermost",
    "select_points",
    "self_occlusion_mask",
    "self_occlusion_mask_by_depth",
    "self_occlusion_mask_by_table",
    "shape_from_coefficients",
    "split_parameters",
    "translate_points",
    "translation_to_3d",
    "without_specks",
]
