"""The card of an exported file: its inputs and outputs, and their units."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from keras_3dmmstn.export.network import output_names
from keras_3dmmstn.inference.camera import Camera
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.finer_grid import texture_shape
from keras_3dmmstn.mesh.landmark_sets import NAMES
from keras_3dmmstn.network.framing import CROP_TO_BOX
from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS
from keras_3dmmstn.version import __version__

# A limit for what a card may claim: no image or texture has more pixels per side.
_LARGEST_SIDE = 2048

#: Key of the card in the metadata of an ONNX file.
CARD_KEY = "keras_3dmmstn"


def network_card(
    normaliser: Normaliser,
    landmarks: str = "ibug68",
    batch: int | None = None,
    visibility: str | None = None,
    texture_size: int | None = None,
) -> dict[str, Any]:
    """Describes input and outputs of an exported network.

    Args:
        normaliser: the localiser and its face model.
        landmarks: name of the landmark set, or several joined by "+", which are concatenated.
        batch: how many images the file takes at a time; None for any number.
        visibility: how the mask is computed, as for `spatial_transformer`; as in the normaliser if
            None.
        texture_size: side of texture and mask in pixels; None for the face model's grid.

    Returns:
        A dict for `json.dumps`: `version`, `face_model`, `camera`, `input`, `outputs` and
        `pixels`. Shapes are lists, in which a free batch size is None.

    Raises:
        ValueError: if the face model has no such landmark set, or `texture_size` is out of range.
    """
    face_model = normaliser.grid_model
    shape = texture_shape(texture_size, face_model.grid_shape)
    return {
        "version": __version__,
        "face_model": face_model.name,
        "camera": _camera(normaliser.camera),
        "input": _input(batch, normaliser.image_size),
        "outputs": {
            "parameters": _parameters(batch, face_model),
            "landmarks": _landmarks(batch, face_model, landmarks),
            **_texture_and_mask(batch, shape, visibility or normaliser.visibility),
            **_judgement(batch, normaliser.localiser),
        },
        "pixels": "centres at integer coordinates, (0, 0) the top left one, y downwards",
    }


def _input(batch, size):
    """Describes the input of a network."""
    return {
        "name": "image",
        "shape": [batch, size, size, 3],
        "dtype": "float32",
        "range": [0, 255],
        "colours": "RGB",
        "box": {
            "of": "the tight box of the 68 landmarks, x0, y0, x1, y1 in pixels",
            "crop": "a square about the middle of the box, upright",
            "side": f"{CROP_TO_BOX} times the larger side of the box",
            "share": CROP_TO_BOX,
            "outside": 0,
        },
    }


def _parameters(batch, face_model):
    """Describes θ."""
    expression = face_model.modes - face_model.identity_count
    return {
        "shape": [batch, 6 + face_model.modes],
        "order": [
            ["rotation", 3, "axis-angle, radians"],
            ["translation", 2, "pixels of the image"],
            ["log_scale", 1, "logarithm of pixels per millimetre"],
            ["identity", face_model.identity_count, "standard deviations"],
            ["expression", expression, "standard deviations"],
        ],
    }


def _landmarks(batch, face_model, landmarks):
    """Describes the landmarks of a set."""
    return {
        "shape": [batch, len(face_model.landmark_indices(landmarks)), 2],
        "set": landmarks,
        "names": [name for part in landmarks.split("+") for name in NAMES.get(part, ())],
        "unit": "x, y in pixels of the image",
    }


def _texture_and_mask(batch, shape, visibility):
    """Describes texture and mask."""
    height, width = shape
    return {
        "texture": {
            "shape": [batch, height, width, 3],
            "range": [0, 255],
            "colours": "RGB",
            "hidden": 0,
        },
        "mask": {
            "shape": [batch, height, width, 1],
            "meaning": "1 visible, 0 hidden",
            "method": visibility,
        },
    }


def _judgement(batch, localiser):
    """Describes the network's estimates of its own reliability: confidence and spread, if any."""
    described = {
        "confidence": {
            "shape": [batch, 1],
            "range": [0, 1],
            "meaning": "probability that this is a face, and fitted right",
        },
        "spread": {
            "shape": [batch, SPREAD_LANDMARKS],
            "set": "ibug68",
            "unit": "square root of width times height of the box of the landmarks",
            "meaning": "expected distance of each landmark from where a person would label it",
        },
    }
    names = output_names(localiser)
    return {name: about for name, about in described.items() if name in names}


def camera_of_card(card: dict[str, Any]) -> Camera:
    """Returns the camera that a card describes."""
    return Camera(card.get("camera", {}).get("focal_length"))


def texture_size_of_card(card: dict[str, Any], grid_shape: tuple[int, int]) -> int | None:
    """Returns the texture size that a card describes; None if it is that of the grid.

    Raises:
        ValueError: if the texture is neither of the grid's size nor square.
    """
    rows, columns = card["outputs"]["texture"]["shape"][1:3]
    if (rows, columns) == grid_shape:
        return None
    if rows != columns:
        raise ValueError(
            f"Expected square textures, or textures of {grid_shape}, in the card of an export, "
            f"received {(rows, columns)}."
        )
    return rows


def _camera(camera):
    """Describes a camera."""
    if camera.focal_length is None:
        return {"projection": "orthographic"}
    return {
        "projection": "perspective",
        "focal_length": camera.focal_length,
        "unit": "sides of the image",
        "principal_point": "the middle of the image",
    }


def read_card(path: Path) -> dict[str, Any]:
    """Reads the card of an exported file or SavedModel.

    For an `.onnx` file without a card beside it, reads the one in its metadata.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if it is not JSON, or not in the form that `network_card` makes.
    """
    card = path / "assets.extra" / "card.json" if path.is_dir() else card_path(path)
    if card.exists():
        text = card.read_bytes().decode(errors="replace")
    elif path.suffix == ".onnx":
        text = _metadata(path)
    else:
        raise FileNotFoundError(f"{path}: expected its card {card}, which `export` wrote with it.")
        card = path  # that is where it is
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{card}: expected the card of an export in JSON: {error}") from error
    fault = _fault(content)
    if fault:
        raise ValueError(f"{card}: expected the card of an export, received {fault}.")
    return content


def _fault(card):
    """Returns which part of a card is not in the form that `network_card` makes, or None."""
    if not isinstance(card, dict):
        return f"{type(card).__name__} in the place of an object"
    inputs, outputs, camera = (card.get(name, {}) for name in ("input", "outputs", "camera"))
    if not all(isinstance(part, dict) for part in (inputs, outputs, camera)):
        return "input, outputs or camera that are no objects"
    if not isinstance(card.get("face_model"), str):
        return f"face_model {card.get('face_model')!r}"
    sizes = {"parameters": 1, "texture": 3}
    for name, part, count in [
        ("input", inputs, 3),
        *((name, outputs.get(name), count) for name, count in sizes.items()),
    ]:
        shape = part.get("shape") if isinstance(part, dict) else None
        if not _is_shape(shape, count):
            return f"{name} of shape {shape!r}"[:200]
    mask, focal_length = outputs.get("mask"), camera.get("focal_length")
    if not isinstance(mask, dict) or not isinstance(mask.get("method"), str):
        return f"mask {mask!r}"[:200]
    try:
        Camera(focal_length)
    except (TypeError, ValueError):
        return f"focal_length {focal_length!r}"[:200]
    return None


def _is_shape(shape, count):
    """Returns whether a JSON value is the shape of a batch followed by this many axes."""
    return (
        isinstance(shape, list)
        and len(shape) == 1 + count
        and all(type(side) is int and 0 < side <= _LARGEST_SIDE for side in shape[1:])
    )


def _metadata(path):
    """Returns the card in the metadata of an `.onnx` file."""
    import onnxruntime

    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what is wrong with a file
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        return session.get_modelmeta().custom_metadata_map[CARD_KEY]
    except Exception as error:  # for a damaged file the runtime raises its own errors
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{path}: expected an ONNX file with its card in the metadata ({reason})."
        ) from error


def card_path(path: Path) -> Path:
    """Returns the path of the card of an exported file: beside it, as `.json`."""
    return path.with_suffix(".json")


def write_with_card(content: bytes, card: dict[str, Any], path: Path, beside: Path) -> None:
    """Writes an exported file and, beside it, its card as JSON."""
    path.write_bytes(content)
    beside.write_text(json.dumps(card, indent=1) + "\n")
