"""TensorFlow Lite files of a trained normaliser, for phones, with a card beside each."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.export.card import card_path, network_card, write_with_card
from keras_3dmmstn.export.mobile.finer_planes import finer_planes, finer_visibility
from keras_3dmmstn.export.mobile.mobile_network import (
    cleaned,
    exact_visibility,
    landmark_points,
    masked_samples,
    placed,
    surface,
    visibility,
)
from keras_3dmmstn.export.mobile.surface_factors import factorise_basis
from keras_3dmmstn.export.mobile.tflite_join import join_models, operator_names, rename_tensors
from keras_3dmmstn.export.network import MORE_OUTPUTS, output_names, trained_network
from keras_3dmmstn.inference.compiled_function import tflite_converter
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.layers.self_occlusion_mask import VISIBILITY_METHODS
from keras_3dmmstn.mesh.finer_grid import texture_shape
from keras_3dmmstn.network.sampler import mask_cleaning

#: How the numbers of a file are stored, by the name of the file's kind. The localiser's head and
#: the geometry never use integers, which would move the landmarks by pixels.
PRECISIONS = {
    "float32": "everything in float32",
    "float16": "weights and face model in float16",
    "dynamic": "weights of the localiser in int8, its activations float; the rest in float16",
    "integer": "weights and activations of the localiser in int8; the rest in float16",
}

#: Patterns along the rows and columns of the texture to which the basis is reduced. With 48, the
#: points of the bundled model move by 0.02 pixels at 224 on average.
RANK = 48


def export_tflite(
    normaliser: Normaliser,
    path: str | Path,
    *,
    precision: str = "float32",
    photographs: Iterable[np.ndarray] = (),
    landmarks: str = "ibug68",
    batch: int | None = 1,
    visibility: str | None = None,
    texture_size: int | None = None,
) -> Path:
    """Writes the whole network as one `.tflite` file, and its card as `.json` beside it.

    The file has only built-in operators. With a batch of 1, all its shapes are fixed and its
    gathers have one-dimensional indices, as delegates require. Its landmarks are those of
    `spatial_transformer`; its texture is sampled at the points of a basis reduced to `RANK`
    patterns along rows and columns. With a free batch, the file has the network's own layers: it
    is larger by the whole basis, slower, and its input has to be resized to the batch.

    Args:
        normaliser: the trained localiser and its face model.
        path: the file to write; neither it nor a `.json` beside it may exist.
        precision: one of `PRECISIONS`.
        photographs: crops `(image_size, image_size, 3)`, RGB in 0..255, as the network will see
            them, for the ranges of integer activations. Only for `"integer"`.
        landmarks: name of the landmark set, as for `spatial_transformer`.
        batch: 1, or None for any number of images at a time.
        visibility: how the mask is computed, as for `spatial_transformer`; as in the normaliser if
            None. With `"normals"` a phone takes about half the time.
        texture_size: side of texture and mask in pixels, from 32 to 2,048, also sampled between the
            vertices; None for the face model's grid, whatever size the normaliser samples at.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if one of the two files exists.
        ValueError: if `precision`, `batch` or `visibility` is unknown or they cannot be combined
            (integers need a batch of 1), `photographs` are missing or of another shape,
            `texture_size` is out of range, or the localiser is not one of `build_localiser`.
        OSError: if it cannot be written; then neither file exists.
    """
    path = Path(path)
    with (
        atomic_destination(path, replace=False) as aside,
        atomic_destination(card_path(path), replace=False) as card_aside,
    ):
        options = (landmarks, batch, visibility, texture_size)
        model = tflite_model(normaliser, precision, photographs, *options)
        card = tflite_card(normaliser, model, precision, *options)
        write_with_card(model, card, aside, card_aside)
    return path


def tflite_card(
    normaliser: Normaliser,
    model: bytes,
    precision: str,
    landmarks: str,
    batch: int | None = 1,
    visibility: str | None = None,
    texture_size: int | None = None,
) -> dict[str, Any]:
    """Returns the card of a model: `network_card`, and how the numbers are stored."""
    return {
        "format": "keras_3dmmstn tflite",
        "precision": precision,
        "stored": PRECISIONS[precision],
        "bytes": len(model),
        "operators": operator_names(model),
        **network_card(normaliser, landmarks, batch, visibility, texture_size),
    }


def tflite_model(
    normaliser: Normaliser,
    precision: str = "float32",
    photographs: Iterable[np.ndarray] = (),
    landmarks: str = "ibug68",
    batch: int | None = 1,
    visibility: str | None = None,
    texture_size: int | None = None,
) -> bytes:
    """Returns the content of the file of `export_tflite`; arguments and errors are the same."""
    visibility = visibility or normaliser.visibility
    if precision not in PRECISIONS:
        raise ValueError(
            f"export_tflite expects a precision out of {', '.join(PRECISIONS)}, "
            f"received {precision!r}."
        )
    if batch not in (1, None):
        raise ValueError(f"export_tflite expects a batch of 1 or None (any), received {batch!r}.")
    if visibility not in VISIBILITY_METHODS:
        raise ValueError(
            f"export_tflite expects a visibility out of {', '.join(VISIBILITY_METHODS)}, "
            f"received {visibility!r}."
        )
    if batch is None:
        return _any_batch(normaliser, precision, landmarks, visibility, texture_size)
    head = _head(normaliser.localiser)
    size = normaliser.image_size
    image = tf.TensorSpec((1, size, size, 3), tf.float32, name="image")
    features = tf.TensorSpec((1, head.input.shape[-1]), tf.float32, name="features")
    backbone = keras.Model(normaliser.localiser.input, head.input)

    first = _converter(lambda image: backbone(image, training=False), [image], precision)
    if precision == "integer":
        checked = _checked_photographs(photographs, size)
        first.representative_dataset = lambda: ([crop[None]] for crop in checked)
    rest = "float32" if precision == "float32" else "float16"
    shape = texture_shape(texture_size, normaliser.grid_model.grid_shape)
    geometry = _geometry(normaliser, head, landmarks, visibility, shape)
    second = _converter(geometry, [image, features], rest)
    outputs = output_names(normaliser.localiser)
    joined = join_models(_converted(first), _converted(second), "image", "features", outputs)
    return _with_built_in_operators(joined)


def _any_batch(normaliser, precision, landmarks, visibility, texture_size):
    """Returns the content of a file that takes any number of images at a time."""
    if precision not in ("float32", "float16"):
        # As one model, the basis would also become integers.
        raise ValueError(
            "export_tflite expects for a free batch the precision float32 or float16, "
            f"received {precision!r}."
        )
    network = trained_network(normaliser, landmarks, visibility, texture_size)
    names = output_names(normaliser.localiser)
    size = normaliser.image_size
    image = tf.TensorSpec((None, size, size, 3), tf.float32, name="image")

    def whole(image):
        outputs = network(image, training=False)
        return tuple(outputs[name] for name in names)

    model = rename_tensors(_converted(_converter(whole, [image], precision)), ["image"], names)
    return _with_built_in_operators(model)


def _head(localiser):
    """Returns the layer that turns the features into raw parameters."""
    names = [layer.name for layer in localiser.layers]
    if not {"head", "parameter_scaling"} <= set(names):
        raise ValueError(
            "export_tflite expects a localiser of build_localiser, which ends with the layers "
            f"head and parameter_scaling, received one that ends with {names[-2:]}."
        )
    return localiser.get_layer("head")


def _geometry(normaliser, head, landmarks, method, shape):
    """Returns the function from one image and its features to the outputs of the network.

    Its texture and mask have a shape (rows, columns), that of the face model's grid or a finer one.
    """
    face_model = normaliser.grid_model
    whole = np.eye(2, 3)[None]  # pixels of the network's input themselves
    intrinsics = normaliser.camera.intrinsics(whole, normaliser.image_size)
    factors = factorise_basis(face_model, RANK)
    scaling = normaliser.localiser.get_layer("parameter_scaling")
    judging = _judging_layers(normaliser)
    cleaning = mask_cleaning(face_model)
    axes = 2 if method == "normals" and not intrinsics else 3

    def geometry(image, features):
        theta = scaling(head(features))
        scaled = surface(theta, face_model, factors, axes)
        points = placed(scaled, theta, intrinsics)
        if method == "normals":
            visible = visibility(points, face_model.grid_shape)
        else:
            visible = exact_visibility(scaled, points, theta, face_model, method, intrinsics)
        visible = cleaned(visible, face_model.grid_shape, *cleaning)
        if shape != face_model.grid_shape:
            points = finer_planes(points, face_model.grid_shape, shape)
            visible = finer_visibility(visible, face_model.grid_shape, shape)
        texture = masked_samples(image, points, visible)
        return (  # as output_names
            theta,
            landmark_points(theta, face_model, landmarks, intrinsics),
            tf.reshape(texture, (1, *shape, 3)),
            tf.reshape(visible, (1, *shape, 1)),
            *(last(hidden(features)) for hidden, last in judging),
        )

    return geometry


def _judging_layers(normaliser):
    """Returns the layers from features to confidence and spread, two for each that exists."""
    localiser = normaliser.localiser
    return [
        (localiser.get_layer(f"{name}_hidden"), localiser.get_layer(name))
        for name in output_names(localiser)
        if name in MORE_OUTPUTS
    ]


def _converter(function, signature, precision):
    """Returns a converter to built-in operators for a function of such tensors."""
    converter = tflite_converter(function, signature)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return converter


def _converted(converter):
    """Returns the converted model."""
    with warnings.catch_warnings():
        # Inputs and outputs stay float, so the converter needs no statistics of them.
        warnings.filterwarnings("ignore", "Statistics for quantized inputs", UserWarning)
        return converter.convert()


def _with_built_in_operators(model):
    """Returns the model, converted with only built-in operators."""
    others = {"CUSTOM", "DELEGATE"} & set(operator_names(model))
    if others:
        raise ValueError(f"Expected built-in operators alone, the model has {sorted(others)}.")
    return model


def _checked_photographs(photographs, size):
    """Returns the crops as float32, if there are any and all have the right shape."""
    crops = [np.asarray(crop, np.float32) for crop in photographs]
    shapes = {crop.shape for crop in crops}
    if shapes != {(size, size, 3)}:
        raise ValueError(
            f'export_tflite expects for "integer" photographs of shape ({size}, {size}, 3), '
            f"received {len(crops)} of shapes {sorted(shapes)}."
        )
    return crops
