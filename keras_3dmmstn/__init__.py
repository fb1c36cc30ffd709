"""3D Morphable Models as Spatial Transformer Networks, as Keras layers.

Nothing is imported before it is used, so that code that needs no TensorFlow does not wait for it.
The package logs under the name `keras_3dmmstn`, and shows no log messages unless told to.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING

from keras_3dmmstn.command_process import is_the_command  # the first, for Ctrl-C
from keras_3dmmstn.keras_backend import check_backend
from keras_3dmmstn.keras_classes import register_classes_after_keras
from keras_3dmmstn.version import __version__

if TYPE_CHECKING:
    from keras_3dmmstn import (
        export,
        layers,
        losses,
        mesh,
        ops,
        recognition,
        refinement,
        reflection,
        training,
    )
    from keras_3dmmstn.inference.fusion.fused_face import FusedFace, fuse
    from keras_3dmmstn.inference.normalised_face import NormalisedFace
    from keras_3dmmstn.inference.normaliser import Normaliser
    from keras_3dmmstn.mesh import GridModel, ShapeModel
    from keras_3dmmstn.network.localiser import build_localiser
    from keras_3dmmstn.network.model import spatial_transformer
    from keras_3dmmstn.network.residual_localisers import base_localiser, compact_localiser
    from keras_3dmmstn.network.training_model import TrainingModel

__all__ = [
    "FusedFace",
    "GridModel",
    "NormalisedFace",
    "Normaliser",
    "ShapeModel",
    "TrainingModel",
    "__version__",
    "base_localiser",
    "build_localiser",
    "compact_localiser",
    "export",
    "fuse",
    "layers",
    "losses",
    "mesh",
    "ops",
    "recognition",
    "refinement",
    "reflection",
    "spatial_transformer",
    "training",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())

# The modules of names that are not modules themselves.
_HOMES = {
    "FusedFace": "inference.fusion.fused_face",
    "GridModel": "mesh",
    "NormalisedFace": "inference.normalised_face",
    "Normaliser": "inference.normaliser",
    "ShapeModel": "mesh",
    "TrainingModel": "network.training_model",
    "build_localiser": "network.localiser",
    "compact_localiser": "network.residual_localisers",
    "base_localiser": "network.residual_localisers",
    "fuse": "inference.fusion.fused_face",
    "spatial_transformer": "network.model",
}


def __getattr__(name):
    if name in _HOMES:
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    elif name in __all__:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})


if not is_the_command():
    check_backend()
register_classes_after_keras()
