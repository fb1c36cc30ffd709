"""Loads weights of localisers: the bundled ones, and those of training runs."""

import logging
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import is_zipfile

import keras
import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.confidence import without_confidence
from keras_3dmmstn.network.localiser import correct_rest_pose
from keras_3dmmstn.network.weights_folder import FACE_MODEL_FILE, LOCALISER_FILE

logger = logging.getLogger(__name__)

# Modes refined by training, or stored in half precision, still count as the same modes.
_LEAST_CORRELATION = 0.7


def load_localiser(path: str | Path) -> keras.Model:
    """Reads a localiser from a `.keras` file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or of another kind, such as an HDF5 file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"Expected a saved localiser, but there is no file {path}.")
    # Keras would also read HDF5: a damaged file may take for ever, or refer to other files.
    if not is_zipfile(path):
        raise ValueError(
            f"{path}: expected a localiser that Keras saved, received a file that is cut short, or "
            "is no .keras file."
        )
    return _read(path, path)


def localiser_from(content: bytes, path: str | Path) -> keras.Model:
    """Reads a localiser from the content of a `.keras` file, which was at `path`.

    Raises:
        ValueError: if it is damaged or of another kind.
    """
    with TemporaryDirectory() as folder:
        copy = Path(folder) / LOCALISER_FILE
        copy.write_bytes(content)
        return _read(copy, path)


def _read(file, path):
    """Returns the localiser in a file; `path` is its name in error messages."""
    try:
        return keras.models.load_model(file, compile=False)
    except Exception as error:  # a damaged file raises almost anything
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{path}: expected a localiser that Keras saved, received a file that does not load "
            f"({type(error).__name__}: {reason}). Layers of your own have to be registered and "
            "imported first."
        ) from error


def load_weights(
    localiser: keras.Model, weights: str | Path, grid_model: GridModel | None = None
) -> None:
    """Gives a localiser the weights of a saved one.

    Args:
        localiser: as from `build_localiser`.
        weights: `"pretrained"` for the bundled ones, a `localiser.keras`, or a folder with one.
        grid_model: the face model of the localiser; compared with the one beside the weights, if
            there is one.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, of another architecture or for another face model.
    """
    if weights == "pretrained":
        with resources.as_file(resources.files("keras_3dmmstn.assets")) as folder:
            return load_weights(localiser, folder, grid_model)
    path = Path(weights)
    if path.is_dir():
        path = path / LOCALISER_FILE
    if grid_model is not None:
        _check_face_model(path, grid_model)
    set_weights(localiser, load_localiser(path), path)
    return None


def set_weights(localiser: keras.Model, saved: keras.Model, path: str | Path) -> None:
    """Gives a localiser the weights of a saved one, which was read from `path`.

    It then gives the same answers, even if its face model differs slightly.

    Raises:
        ValueError: if it is of another architecture.
    """
    try:
        localiser.set_weights(without_confidence(saved).get_weights())
        correct_rest_pose(localiser, saved)
        logger.info("%s starts with the weights of %s", localiser.name, path)
    except ValueError as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{path}: expected the weights of a localiser of the architecture that they are for, "
            f"received those of another ({reason})."
        ) from error


def _check_face_model(path, grid_model):
    """Raises a ValueError if the weights at `path` were trained with another face model."""
    beside = path.with_name(FACE_MODEL_FILE)
    if not beside.exists():
        return
    trained_with = GridModel.load(beside)
    for what in ("name", "modes", "identity_count"):
        expected, received = getattr(trained_with, what), getattr(grid_model, what)
        if expected != received:
            raise ValueError(
                f"{path}: expected the face model that these weights were trained with, {what} "
                f"{expected!r}, received one with {what} {received!r}."
            )
    if trained_with.basis.shape == grid_model.basis.shape:
        _check_modes(path, trained_with.basis, grid_model.basis)


def _check_modes(path, expected, received):
    """Raises a ValueError unless modes `(modes, N, 3)` move a face as the expected ones do."""
    product, one, other = (
        np.einsum("mni,mni->m", a, b, dtype=np.float64)
        for a, b in ((expected, received), (expected, expected), (received, received))
    )
    alike = product > _LEAST_CORRELATION * np.sqrt(one * other)
    if not alike.all():
        raise ValueError(
            f"{path}: expected the face model that these weights were trained with, received one "
            f"whose mode {int(np.argmin(alike))} is another."
        )
