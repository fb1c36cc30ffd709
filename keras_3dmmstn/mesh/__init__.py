"""Face models as NumPy arrays: shape models, flattening, and re-meshing on a grid."""

from keras_3dmmstn.mesh.cutting.face_region import cut_face
from keras_3dmmstn.mesh.cutting.holes import close_holes
from keras_3dmmstn.mesh.flattening.flatten import flatten_symmetric
from keras_3dmmstn.mesh.flattening.flatten_disc import flatten_disc
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted
from keras_3dmmstn.mesh.flattening.resample import resample
from keras_3dmmstn.mesh.flattening.symmetry import find_mirror
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.landmark_transfer import transfer_landmarks
from keras_3dmmstn.mesh.model_to_grid import model_to_grid
from keras_3dmmstn.mesh.principal_components import shape_model_from_meshes
from keras_3dmmstn.mesh.shape_model import ShapeModel
from keras_3dmmstn.mesh.visibility.contour import contour_lines
from keras_3dmmstn.mesh.visibility.occlusion_table import occlusion_table
from keras_3dmmstn.mesh.visibility.rims import visibility_rims

__all__ = [
    "GridModel",
    "ShapeModel",
    "close_holes",
    "contour_lines",
    "cut_face",
    "find_mirror",
    "flatten_disc",
    "flatten_least_distorted",
    "flatten_symmetric",
    "model_to_grid",
    "occlusion_table",
    "resample",
    "shape_model_from_meshes",
    "transfer_landmarks",
    "visibility_rims",
]
