"""Registers the classes of saved models with Keras as soon as Keras is imported.

`keras.models.load_model` finds a layer or a loss of this package only if its module was imported.
As the package imports nothing before it is used, `import keras_3dmmstn` alone is not enough.
"""

import pkgutil
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import wrapt

# Where classes are registered.
_MODULES = (
    "keras_3dmmstn.layers",
    "keras_3dmmstn.network.checked_levels",
    "keras_3dmmstn.network.fused_batch_normalization",
    "keras_3dmmstn.network.landmark_opening",
    "keras_3dmmstn.network.localiser",
    "keras_3dmmstn.network.losses",
    "keras_3dmmstn.network.training_model",
    "keras_3dmmstn.recognition.angular_margin",
)
# What these modules import, except modules without TensorFlow.
_ROOMS = (
    "keras_3dmmstn.ops",
    "keras_3dmmstn.layers",
    "keras_3dmmstn.network",
    "keras_3dmmstn.recognition",
)


def register_classes_after_keras() -> None:
    """Imports the modules that register classes once Keras is imported, or now if it already is.

    If one of them itself imports Keras, the imports would be circular: then they wait until it is
    complete.
    """
    network = [
        f"keras_3dmmstn.network.{module.name}"
        for module in pkgutil.iter_modules([str(Path(__file__).with_name("network"))])
    ]
    # TensorFlow imports Keras at its end.
    for name in ("keras", "tensorflow", *_ROOMS, *network):
        wrapt.register_post_import_hook(_register_classes, name)


def _register_classes(just_imported: ModuleType) -> None:
    """Imports the modules that register classes unless something they need is half imported."""
    unfinished = {
        name
        for name, module in list(sys.modules.items())
        if name in ("keras", "tensorflow") or name.startswith(_ROOMS)
        if module is not just_imported and _is_unfinished(module)
    }
    if "keras" in sys.modules and not unfinished:
        for name in _MODULES:
            import_module(name)


def _is_unfinished(module):
    """Returns whether a module is being imported, as the import system itself determines it."""
    return getattr(getattr(module, "__spec__", None), "_initializing", False)
