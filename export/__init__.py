"""Export of the network to formats for servers and phones."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_3dmmstn.export.mobile.tflite import export_tflite
    from keras_3dmmstn.export.onnx import export_onnx
    from keras_3dmmstn.export.serving.saved_model import export_saved_model

__all__ = ["export_onnx", "export_saved_model", "export_tflite"]

# Imported when they are used: a client of a server needs no TensorFlow.
_MODULES = {
    "export_onnx": "keras_3dmmstn.export.onnx",
    "export_saved_model": "keras_3dmmstn.export.serving.saved_model",
    "export_tflite": "keras_3dmmstn.export.mobile.tflite",
}


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__():
    return sorted([*globals(), *__all__])
