"""An exported network where a trained normaliser is measured."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.export import artefact_run
from keras_3dmmstn.export.card import camera_of_card, read_card
from keras_3dmmstn.mesh import GridModel

_KINDS = {".tflite": "tflite", ".onnx": "onnx"}


def is_exported(path: Path) -> bool:
    """Returns whether a path looks like an exported file or a version of a SavedModel."""
    return path.suffix in _KINDS or (path / "saved_model.pb").exists()


class ExportedNormaliser:
    """The parameters that an exported network regresses, for `training.evaluate.measure`.

    Args:
        path: a `.tflite` or `.onnx` file with its card, or a version of a SavedModel.
        grid_model: the face model it was exported with.

    Attributes:
        grid_model: the face model.
        camera: the camera of the network.
        image_size: side of its input in pixels.
        localiser: has `predict_on_batch`, from crops `(batch, size, size, 3)` to θ.

    Raises:
        FileNotFoundError: if there is no such file or it has no card.
        ValueError: if it was exported with another face model, or its runtime refuses it.
        ImportError: if its runtime is not installed.
    """

    def __init__(self, path: str | Path, grid_model: GridModel):
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
        self.grid_model, self.camera = grid_model, camera_of_card(card)
        self.image_size = card["input"]["shape"][1]
        self.localiser = self
        kind = _KINDS.get(path.suffix, "saved-model")
        try:
            self._run = artefact_run.RUNTIMES[kind](str(path), threads=None)
        except ImportError as error:
            raise ImportError(
                f'{path}: its runtime is missing: pip install "keras-3dmmstn[export]".'
            ) from error
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{path}: its runtime refuses it: {error}") from error

    def predict_on_batch(self, crops: np.ndarray) -> np.ndarray:
        """Returns θ `(batch, 6 + D)` of crops `(batch, size, size, 3)`."""
        return self._run(np.asarray(crops, np.float32))["parameters"]
