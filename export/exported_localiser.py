"""An exported network used in place of a trained localiser."""

import importlib.util
import logging
from pathlib import Path

import numpy as np

from keras_3dmmstn.export import artefact_runtimes
from keras_3dmmstn.export.card import camera_of_card, read_card, texture_size_of_card
from keras_3dmmstn.export.parity import ParityError, run_artefact
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS

logger = logging.getLogger(__name__)

_KINDS = {".tflite": "tflite", ".onnx": "onnx"}

# What has to be installed to run a format.
_RUNTIMES = {"saved-model": (), "tflite": ("ai_edge_litert",), "onnx": ("onnxruntime",)}


def is_exported(path: Path) -> bool:
    """Returns whether a path looks like an exported file or a version of a SavedModel."""
    return path.suffix in _KINDS or (path / "saved_model.pb").exists()


def load_exported(path: str | Path, grid_model: GridModel) -> Normaliser:
    """Returns a normaliser that takes θ from an exported network.

    Faces, masks and textures are computed from θ as for any other localiser, so exported files are
    measured with the same code as photographs use. Textures have the size of the file's textures.

    Args:
        path: a `.tflite` or `.onnx` file with its card, or a version of a SavedModel.
        grid_model: the face model it was exported with.

    Raises:
        FileNotFoundError: if there is no such file or it has no card.
        ValueError: if it was exported with another face model, is damaged, or is refused by its
            runtime.
        ImportError: if its runtime is not installed.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"Expected an exported network, there is no {path}.")
    card = read_card(path)
    (_, parameters), name = card["outputs"]["parameters"]["shape"], card["face_model"]
    if (name, parameters) != (grid_model.name, 6 + grid_model.modes):
        raise ValueError(
            f"{path}: exported with the face model {name!r} of {parameters - 6} modes, "
            f"received {grid_model.name!r} of {grid_model.modes}."
        )
    _try_aside(path, card)
    localiser = ExportedLocaliser(path, card)
    visibility = card["outputs"]["mask"]["method"]
    focal_length = camera_of_card(card).focal_length
    try:
        texture_size = texture_size_of_card(card, grid_model.grid_shape)
        return Normaliser(localiser, grid_model, visibility, focal_length, texture_size)
    except ValueError as error:
        raise ValueError(f"The card of {path} describes no network: {error}") from error


class ExportedLocaliser:
    """An exported network as a function from crops to θ, confidence and spread, for `Normaliser`.

    Args:
        path: a `.tflite` or `.onnx` file, or a version of a SavedModel.
        card: its card.

    Attributes:
        input_shape, output_shape: those of the localiser that was exported.

    Raises:
        ValueError: if its runtime refuses it.
        ImportError: if its runtime is not installed.
    """

    def __init__(self, path: Path, card: dict):
        size = card["input"]["shape"][1]
        self.input_shape = (None, size, size, 3)
        parameters = (None, card["outputs"]["parameters"]["shape"][1])
        shapes = {"confidence": (None, 1), "spread": (None, SPREAD_LANDMARKS)}
        more = {name: shape for name, shape in shapes.items() if name in card["outputs"]}
        self.output_shape: tuple[None, int] | dict[str, tuple[None, int]] = (
            {"parameters": parameters, **more} if more else parameters
        )
        self._path, self._parameters = path, parameters[1]
        _check_runtime(path)
        try:
            self._run = artefact_runtimes.RUNTIMES[_kind(path)](str(path), None)
        except MemoryError:
            raise
        except Exception as error:  # a damaged file raises errors of the runtime's own
            raise _refused(path, error) from error
        logger.info("%s runs in its own runtime, %s, on the CPU", path, _kind(path))

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the network's outputs for crops `(n, size, size, 3)`, levels in 0..255.

        They include `parameters`, θ `(n, 6 + D)`, and, if the network has them, `confidence`
        `(n, 1)` and `spread` `(n, 68)`.

        Raises:
            ValueError: if its runtime fails on them, or returns something else.
        """
        try:
            outputs = self._run(np.asarray(crops, np.float32))
        except MemoryError:
            raise
        except Exception as error:  # as above
            raise _refused(self._path, error) from error
        expected, found = (len(crops), self._parameters), outputs.get("parameters")
        received = None if found is None else found.shape
        if received != expected:
            raise ValueError(
                f"{self._path}: expected `parameters` of shape {expected}, as its card says, "
                f"received {'none' if received is None else f'shape {received}'}."
            )
        return outputs


def _kind(path):
    """Returns the format of an exported network."""
    return _KINDS.get(path.suffix, "saved-model")


def _check_runtime(path):
    """Raises an ImportError if the runtime of an exported network is not installed."""
    if any(importlib.util.find_spec(module) is None for module in _RUNTIMES[_kind(path)]):
        raise ImportError(f'{path}: its runtime is missing: pip install "keras-3dmmstn[export]".')


def _try_aside(path, card):
    """Raises a ValueError if an exported network does not run in a separate process.

    A damaged network may crash the process that runs it.
    """
    _check_runtime(path)
    size = card["input"]["shape"][1]
    grey = np.full((1, size, size, 3), 127, np.float32)
    try:
        outputs, _ = run_artefact(_kind(path), path, grey, 1)
    except ParityError as error:
        raise _refused(path, error) from error
    if not all(np.isfinite(value).all() for value in outputs.values()):
        raise ValueError(f"{path}: expected an exported network, but what it says is not finite.")


def _refused(path, error):
    """Returns the error for a file that its runtime refuses."""
    reason = (str(error).strip() or type(error).__name__).split("\n")[0][:300]
    return ValueError(f"{path}: expected an exported network, but its runtime refuses it: {reason}")
