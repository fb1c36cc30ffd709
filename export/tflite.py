"""TensorFlow Lite files of a trained normaliser, for phones, with a card beside each."""

import json
import warnings
from collections.abc import Iterable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.export.destination import written_aside
from keras_3dmmstn.export.mobile_network import (
    landmark_points,
    masked_samples,
    surface_points,
    visibility,
)
from keras_3dmmstn.export.surface_factors import factorise_basis
from keras_3dmmstn.export.tflite_join import join_models, operator_names
from keras_3dmmstn.framing import CROP_SHARE
from keras_3dmmstn.normaliser import Normaliser
from keras_3dmmstn.version import __version__

#: How the numbers of a file are stored, by the name of the file's kind. The localiser's head and
#: the geometry are never integers: they would move the landmarks by pixels.
PRECISIONS = {
    "float32": "everything in float32",
    "float16": "weights and face model in float16",
    "dynamic": "weights of the localiser in int8, its activations float; the rest in float16",
    "integer": "weights and activations of the localiser in int8; the rest in float16",
}

#: Patterns along the rows and columns of the texture that the basis is reduced to. With 48 the
#: points of the bundled model move by 0.02 pixels at 224 on average.
RANK = 48

OUTPUTS = ("parameters", "landmarks", "texture", "mask")


def write_tflite(
    normaliser: Normaliser,
    path: str | Path,
    precision: str = "float32",
    photographs: Iterable[np.ndarray] = (),
    landmarks: str = "ibug68",
) -> Path:
    """Writes the whole network as one `.tflite` file, and its card as `.json` beside it.

    The file takes one image at a time and has built-in operators only. Its landmarks are those of
    `spatial_transformer`; its texture is sampled at the points of a basis reduced to `RANK`
    patterns along rows and columns.

    Args:
        normaliser: the trained localiser and its face model.
        path: the file to write; there must be nothing yet at it or beside it as `.json`.
        precision: one of `PRECISIONS`.
        photographs: crops `(image_size, image_size, 3)`, RGB in 0..255, as the network will see
            them; the ranges of integer activations come from them. For `"integer"` only.
        landmarks: name of the landmark set, as for `spatial_transformer`.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if one of the two files exists.
        ValueError: if `precision` is unknown, `photographs` are missing or of another shape, or
            the localiser is not one of `build_localiser`.
    """
    path = Path(path)
    model = tflite_model(normaliser, precision, photographs, landmarks)
    card = describe_model(normaliser, model, precision, landmarks)
    with written_aside(path) as model_file, written_aside(path.with_suffix(".json")) as card_file:
        model_file.write_bytes(model)
        card_file.write_text(json.dumps(card, indent=1) + "\n")
    return path


def tflite_model(
    normaliser: Normaliser,
    precision: str = "float32",
    photographs: Iterable[np.ndarray] = (),
    landmarks: str = "ibug68",
) -> bytes:
    """Returns the content of the file that `write_tflite` writes; arguments and errors are its."""
    if precision not in PRECISIONS:
        raise ValueError(
            f"write_tflite expects a precision out of {', '.join(PRECISIONS)}, "
            f"received {precision!r}."
        )
    head = _head(normaliser.localiser)
    size = normaliser.image_size
    image = tf.TensorSpec((1, size, size, 3), tf.float32, name="image")
    features = tf.TensorSpec((1, head.input.shape[-1]), tf.float32, name="features")
    backbone = keras.Model(normaliser.localiser.input, head.input)

    first = _converter(lambda image: backbone(image, training=False), [image])
    if precision == "integer":
        checked = _checked_photographs(photographs, size)
        first.representative_dataset = lambda: ([crop[None]] for crop in checked)
    if precision != "float32":
        first.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        first.target_spec.supported_types = [tf.float16]

    second = _converter(_geometry(normaliser, head, landmarks), [image, features])
    if precision != "float32":
        second.optimizations = [tf.lite.Optimize.DEFAULT]
        second.target_spec.supported_types = [tf.float16]
    with warnings.catch_warnings():
        # Inputs and outputs stay float, so the converter needs no statistics of them.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
        joined = join_models(first.convert(), second.convert(), "image", "features", OUTPUTS)
    # The converter was told to use built-in operators alone: anything else is a fault of ours.
    assert not {"CUSTOM", "DELEGATE"} & set(operator_names(joined))
    return joined


def describe_model(
    normaliser: Normaliser, model: bytes, precision: str, landmarks: str
) -> dict[str, object]:
    """Returns the card of a model: what goes in, what comes out, and what each number means."""
    face_model, size = normaliser.grid_model, normaliser.image_size
    height, width = face_model.grid_shape
    count = len(face_model.landmark_indices(landmarks))
    return {
        "format": "keras_3dmmstn tflite",
        "version": __version__,
        "precision": precision,
        "stored": PRECISIONS[precision],
        "face_model": face_model.name,
        "bytes": len(model),
        "operators": operator_names(model),
        "input": {
            "name": "image",
            "shape": [1, size, size, 3],
            "dtype": "float32",
            "range": [0, 255],
            "colours": "RGB",
            "box": {
                "of": "the tight box of the 68 landmarks, x0, y0, x1, y1 in pixels",
                "crop": "a square about the middle of the box, upright",
                "side": f"{CROP_SHARE} times the larger side of the box",
                "share": CROP_SHARE,
                "outside": 0,
            },
        },
        "outputs": {
            "parameters": {
                "shape": [1, 6 + face_model.modes],
                "order": [
                    ["rotation", 3, "axis-angle, radians"],
                    ["translation", 2, "pixels of the image"],
                    ["log_scale", 1, "logarithm of pixels per millimetre"],
                    ["identity", face_model.identity_count, "standard deviations"],
                    [
                        "expression",
                        face_model.modes - face_model.identity_count,
                        "standard deviations",
                    ],
                ],
            },
            "landmarks": {"shape": [1, count, 2], "set": landmarks, "unit": "x, y in pixels"},
            "texture": {"shape": [1, height, width, 3], "range": [0, 255], "colours": "RGB"},
            "mask": {"shape": [1, height, width, 1], "meaning": "1 visible, 0 hidden"},
        },
        "pixels": "centres at integer coordinates, (0, 0) the top left one, y downwards",
    }


def _head(localiser):
    """Returns the layer that turns the features into raw parameters."""
    names = [layer.name for layer in localiser.layers]
    if names[-2:] != ["head", "parameter_scaling"]:
        raise ValueError(
            "write_tflite expects a localiser of build_localiser, which ends with the layers "
            f"head and parameter_scaling, received one that ends with {names[-2:]}."
        )
    return localiser.get_layer("head")


def _geometry(normaliser, head, landmarks):
    """Returns the function from image and features to the outputs of the network."""
    face_model = normaliser.grid_model
    height, width = face_model.grid_shape
    factors = factorise_basis(face_model, RANK)
    scaling = normaliser.localiser.get_layer("parameter_scaling")

    def geometry(image, features):
        theta = scaling(head(features))
        points = surface_points(theta, face_model, factors)
        visible = visibility(points, face_model.grid_shape)
        texture = masked_samples(image, points, visible)
        return (  # as OUTPUTS
            theta,
            landmark_points(theta, face_model, landmarks),
            tf.reshape(texture, (1, height, width, 3)),
            tf.reshape(visible, (1, height, width, 1)),
        )

    return geometry


def _converter(function, signature):
    """Returns a converter to built-in operators for a function of such tensors."""
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    # Without an object that owns the variables they become constants.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter


def _checked_photographs(photographs, size):
    """Returns the crops as float32, if there are any and all have the right shape."""
    crops = [np.asarray(crop, np.float32) for crop in photographs]
    shapes = {crop.shape for crop in crops}
    if shapes != {(size, size, 3)}:
        raise ValueError(
            f'write_tflite expects for "integer" photographs of shape ({size}, {size}, 3), '
            f"received {len(crops)} of shapes {sorted(shapes)}."
        )
    return crops
