"""Face models as NumPy arrays: shape models, their flattening and their re-meshing on a grid."""

from keras_3dmmstn.mesh.flatten import flatten_symmetric
from keras_3dmmstn.mesh.grid_model import GridModel
from keras_3dmmstn.mesh.resample import resample
from keras_3dmmstn.mesh.shape_model import ShapeModel

__all__ = ["GridModel", "ShapeModel", "flatten_symmetric", "resample"]
