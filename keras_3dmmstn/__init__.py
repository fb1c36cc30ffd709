"""3D Morphable Models as Spatial Transformer Networks, as Keras layers."""

import os
import sys
from pathlib import Path

if Path(next(iter(sys.argv), "")).stem == "keras-3dmmstn":
    # On the command line TensorFlow's notes would hide ours; it reads this when it is imported.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from keras_3dmmstn import layers, losses, ops, reflection
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel, ShapeModel
from keras_3dmmstn.network.localiser import build_localiser, compact_localiser
from keras_3dmmstn.network.model import spatial_transformer
from keras_3dmmstn.network.training_model import TrainingModel
from keras_3dmmstn.version import __version__

__all__ = [
    "GridModel",
    "NormalisedFace",
    "Normaliser",
    "ShapeModel",
    "TrainingModel",
    "__version__",
    "build_localiser",
    "compact_localiser",
    "layers",
    "losses",
    "ops",
    "reflection",
    "spatial_transformer",
]
