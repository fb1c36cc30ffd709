"""An exported network in the place of a trained localiser."""

import logging
from pathlib import Path

import numpy as np

from keras_3dmmstn.export import artefact_runtimes
from keras_3dmmstn.export.card import camera_of_card, read_card, texture_size_of_card
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel

logger = logging.getLogger(__name__)

_KINDS = {".tflite": "tflite", ".onnx": "onnx"}


def is_exported(path: Path) -> bool:
    """Says whether a path looks like an exported file or a version of a SavedModel."""
    return path.suffix in _KINDS or (path / "saved_model.pb").exists()


def load_exported(path: str | Path, grid_model: GridModel) -> Normaliser:
    """Returns a normaliser that takes θ from an exported network.

    Faces, masks and textures are computed from θ as for any other localiser, so that exported
    files are measured on the path that photographs take. Textures have the size of the file's.

    Args:
        path: a `.tflite` or `.onnx` file with its card, or a version of a SavedModel.
        grid_model: the face model it was exported with.

    Raises:
        FileNotFoundError: if there is no such file or it has no card.
        ValueError: if it was exported with another face model, or its runtime refuses it.
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
    localiser = ExportedLocaliser(path, card)
    visibility = card["outputs"]["mask"]["method"]
    focal_length = camera_of_card(card).focal_length
    texture_size = texture_size_of_card(card, grid_model.grid_shape)
    return Normaliser(localiser, grid_model, visibility, focal_length, texture_size)


class ExportedLocaliser:
    """A function from crops to θ and confidence of an exported network, for `Normaliser`.

    Args:
        path: a `.tflite` or `.onnx` file, or a version of a SavedModel.
        card: its card.

    Attributes:
        input_shape, output_shape: as of the localiser that was exported.

    Raises:
        ValueError: if its runtime refuses it.
        ImportError: if its runtime is not installed.
    """

    def __init__(self, path: Path, card: dict):
        size = card["input"]["shape"][1]
        self.input_shape = (None, size, size, 3)
        parameters = (None, card["outputs"]["parameters"]["shape"][1])
        has_confidence = "confidence" in card["outputs"]
        self.output_shape: tuple[None, int] | dict[str, tuple[None, int]] = (
            {"parameters": parameters, "confidence": (None, 1)} if has_confidence else parameters
        )
        kind = _KINDS.get(path.suffix, "saved-model")
        try:
            self._run = artefact_runtimes.RUNTIMES[kind](str(path), None)
        except ImportError as error:
            raise ImportError(
                f'{path}: its runtime is missing: pip install "keras-3dmmstn[export]".'
            ) from error
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{path}: its runtime refuses it: {error}") from error
        logger.info("%s runs in its own runtime, %s, on the CPU", path, kind)

    def __call__(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what the network says of crops `(n, size, size, 3)`, levels in 0..255.

        Among it are `parameters`, θ `(n, 6 + D)`, and `confidence` `(n, 1)`, if it has one.
        """
        return self._run(np.asarray(crops, np.float32))
