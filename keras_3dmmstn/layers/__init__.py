"""The paper's layers, and some beyond it: apparent contours, a perspective camera, larger textures.

The mathematics is in `keras_3dmmstn.ops`; the layers hold state and configuration.

| layer | paper (Bas et al. 2017) | MatConvNet layer of the authors | file |
|---|---|---|---|
| `SplitParameters` | eq. (1) | `split` | `split_parameters.py` |
| `MorphableModel` | sec. 2.2, x(α) = Pα + μ | `model3D` | `morphable_model.py` |
| `AxisAngleToMatrix` | sec. 2.2, R(r) | `r2R` | `axis_angle_to_matrix.py` |
| `Rotation3D` | sec. 2.2, X' = RX | `rotate3D` | `rotation_3d.py` |
| `OrthographicProjection` | sec. 2.2, Y = PX' | `projection` | `orthographic_projection.py` |
| `LogScaleToScale` | sec. 2.2, s = exp(log s) | `logScale2Scale` | `log_scale_to_scale.py` |
| `Scale2D` | sec. 2.2, Y' = sY | `scale2D` | `scale_2d.py` |
| `Translation2D` | sec. 2.2, Y'' = Y' + t | `translate2D` | `translation_2d.py` |
| `LandmarkSelection` | sec. 3.3, eq. (4) | `selection` | `landmark_selection.py` |
| `ResampledGrid` | sec. 2.3, output grid | `resamplegrid` | `resampled_grid.py` |
| `BilinearSampler` | sec. 2.3, V | `BilinearSampler` (MatConvNet's) | `bilinear_sampler.py` |
| `SelfOcclusionMask` | sec. 2.3, M | `visibility` | `self_occlusion_mask.py` |
| `VisibilityMasking` | sec. 2.3, W = V M | `visibilitymask` | `visibility_masking.py` |
| `ApparentLandmarkSelection` | beyond the paper | | `apparent_landmark_selection.py` |
| `TranslationTo3D` | beyond the paper | | `translation_to_3d.py` |
| `PerspectiveProjection` | left aside in sec. 2.2 | | `perspective_projection.py` |
| `FinerGrid` | beyond the paper | | `finer_grid.py` |
| `FinerMask` | beyond the paper | | `finer_mask.py` |
"""

from keras_3dmmstn.layers.apparent_landmark_selection import ApparentLandmarkSelection
from keras_3dmmstn.layers.axis_angle_to_matrix import AxisAngleToMatrix
from keras_3dmmstn.layers.bilinear_sampler import BilinearSampler
from keras_3dmmstn.layers.finer_grid import FinerGrid
from keras_3dmmstn.layers.finer_mask import FinerMask
from keras_3dmmstn.layers.landmark_selection import LandmarkSelection
from keras_3dmmstn.layers.log_scale_to_scale import LogScaleToScale
from keras_3dmmstn.layers.morphable_model import MorphableModel
from keras_3dmmstn.layers.orthographic_projection import OrthographicProjection
from keras_3dmmstn.layers.perspective_projection import PerspectiveProjection
from keras_3dmmstn.layers.resampled_grid import ResampledGrid
from keras_3dmmstn.layers.rotation_3d import Rotation3D
from keras_3dmmstn.layers.scale_2d import Scale2D
from keras_3dmmstn.layers.self_occlusion_mask import SelfOcclusionMask
from keras_3dmmstn.layers.split_parameters import SplitParameters
from keras_3dmmstn.layers.translation_2d import Translation2D
from keras_3dmmstn.layers.translation_to_3d import TranslationTo3D
from keras_3dmmstn.layers.visibility_masking import VisibilityMasking

__all__ = [
    "ApparentLandmarkSelection",
    "AxisAngleToMatrix",
    "BilinearSampler",
    "FinerGrid",
    "FinerMask",
    "LandmarkSelection",
    "LogScaleToScale",
    "MorphableModel",
    "OrthographicProjection",
    "PerspectiveProjection",
    "ResampledGrid",
    "Rotation3D",
    "Scale2D",
    "SelfOcclusionMask",
    "SplitParameters",
    "Translation2D",
    "TranslationTo3D",
    "VisibilityMasking",
]
