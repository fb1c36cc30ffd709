"""Whether Keras runs on TensorFlow, without importing it."""

import json
import os
import sys
from pathlib import Path


def check_backend() -> None:
    """Refuses Keras on a backend other than TensorFlow, in which the layers are written.

    Raises:
        ImportError: if Keras was, or would be, imported on another backend.
    """
    backend, reason = _backend_and_reason()
    if backend != "tensorflow":
        raise ImportError(
            f"keras_3dmmstn needs Keras on TensorFlow, but {reason}. Set KERAS_BACKEND=tensorflow "
            "before you import Keras."
        )


def _backend_and_reason():
    """Returns the backend of Keras and what sets it: the first setting in Keras' own order."""
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "config"):
        backend = keras.config.backend()
        return backend, f"Keras is already imported on {backend}"
    backend = os.environ.get("KERAS_BACKEND")
    if backend:
        return backend, f"the environment has KERAS_BACKEND={backend}"
    path = _config_path()
    try:
        backend = json.loads(path.read_text()).get("backend", "tensorflow")
    except (AttributeError, OSError, RecursionError, ValueError):
        backend = "tensorflow"
    return backend, f'{path} has "backend": "{backend}"'


def _config_path():
    """Returns where Keras looks for its settings."""
    if "KERAS_HOME" in os.environ:
        return Path(os.environ["KERAS_HOME"]).expanduser() / "keras.json"
    home = Path("~").expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras" / "keras.json"
