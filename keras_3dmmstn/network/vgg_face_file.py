"""Reads `vgg-face.mat`, a network in MatConvNet's SimpleNN format."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_3dmmstn.mesh.formats.mat_file import read_mat_values

# A layer's stride, padding and pooling are a few numbers.
_MOST_NUMBERS = 16


class VggFaceFile(NamedTuple):
    """The content of the file, up to fc7.

    Attributes:
        convolutions: name to `(side, side, in, out)` kernel and `(out,)` bias, float32. A kernel
            is correlated with the image, not flipped, as in Keras.
        mean_colour: RGB in 0..255, to be subtracted from photographs.
    """

    convolutions: dict[str, tuple[np.ndarray, np.ndarray]]
    mean_colour: tuple[float, ...]


def read_vgg_face(path: str | Path, blocks: list[list[str]]) -> VggFaceFile:
    """Reads the convolutions of VGG-Face and its mean colour.

    The file has a cell array `layers` of structs (name, type, weights, stride, pad, ...) and a
    struct `meta` with `normalization.averageImage`; both may also be fields of one struct `net`. An
    average image is reduced to its mean colour. Dropout layers are skipped: the network is
    fine-tuned without them. MatConvNet's files have fc6 and fc7 as convolutions.

    Args:
        path: the file.
        blocks: names of the convolutions; each block but the last is followed by a pooling.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or of another kind; it names the layer that differs.

    Source:
        MatConvNet 1.0-beta25, `vl_simplenn` (the format), `cnn_vgg_faces.m` (its use).
    """
    content = _load(path)
    layers = content.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise ValueError(
            f"{path}: expected MatConvNet's vgg-face.mat, with `layers` and "
            "`meta.normalization.averageImage`, received another MATLAB file."
        )
    layers = [layer for layer in layers if _text(layer, "type") != "dropout"]
    mean_colour = _mean_colour(path, content.get("meta"))
    convolutions = {}
    channels = 3
    for index, (name, kind) in enumerate(_expected_layers(blocks)):
        layer = layers[index] if index < len(layers) else None
        if kind == "conv":
            fully_connected = name in blocks[-1]
            kernel, bias = _convolution(path, name, layer, channels, fully_connected)
            convolutions[name], channels = (kernel, bias), kernel.shape[3]
        else:
            _check_kind(path, name, kind, layer)
    return VggFaceFile(convolutions, mean_colour)


def _load(path):
    """Returns the variables of the file, with a struct `net` unpacked."""
    content = read_mat_values(path, ("net", "layers", "meta", "normalization"))
    if isinstance(content.get("net"), dict):
        content = content["net"]
    if "normalization" in content:
        content.setdefault("meta", {"normalization": content["normalization"]})
    return content


def _expected_layers(blocks):
    """Yields name and type of the layers up to the last ReLU, in order."""
    for number, block in enumerate(blocks, start=1):
        for name in block:
            yield name, "conv"
            yield name.replace("conv", "relu").replace("fc", "relu"), "relu"
        if number < len(blocks):
            yield f"pool{number}", "pool"


def _check_kind(path, name, kind, layer):
    """Raises a ValueError unless a layer is what it should be."""
    received = "the end of the file" if layer is None else f"one of type {_text(layer, 'type')!r}"
    if layer is None or _text(layer, "type") != kind:
        raise ValueError(f"{path}: expected layer {name} of type {kind!r}, received {received}.")
    if kind == "pool":
        # Padding at the bottom and on the right changes nothing if sides are even.
        pool, stride = _numbers(layer, "pool"), _numbers(layer, "stride")
        if set(pool) != {2} or set(stride) != {2} or _text(layer, "method", "max") != "max":
            raise ValueError(
                f"{path}: expected layer {name} to take the maximum over 2 x 2 pixels in steps of "
                f"2, received one over {pool} in steps of {stride}."
            )


def _convolution(path, name, layer, channels, fully_connected):
    """Returns kernel and bias of a convolution, checked."""
    _check_kind(path, name, "conv", layer)
    if _text(layer, "name") != name:
        raise ValueError(f"{path}: expected layer {name}, received {_text(layer, 'name')}.")
    weights = layer.get("weights")
    if not _are_weights(weights):
        raise ValueError(
            f"{path}: expected layer {name} to have a kernel and a bias, received neither."
        )
    kernel, bias = (np.asarray(array, np.float32) for array in weights)
    kernel = kernel.reshape([*kernel.shape, *[1] * (4 - kernel.ndim)])
    bias = bias.ravel()
    side = kernel.shape[0]
    expected = (side, side, channels, len(bias))
    if kernel.shape != expected or (side != 3 and not fully_connected):
        raise ValueError(
            f"{path}: expected layer {name} to have a kernel of shape "
            f"({'side, side' if fully_connected else '3, 3'}, {channels}, {len(bias)}) for "
            f"{len(bias)} biases, received shape {kernel.shape}."
        )
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ValueError(f"{path}: expected finite weights in layer {name}, received others.")
    padding = {0} if fully_connected else {1}
    if set(_numbers(layer, "pad", 0)) != padding or set(_numbers(layer, "stride", 1)) != {1}:
        raise ValueError(
            f"{path}: expected layer {name} to have padding {padding.pop()} and stride 1, "
            f"received {_numbers(layer, 'pad', 0)} and {_numbers(layer, 'stride', 1)}."
        )
    return kernel, bias


def _are_weights(weights):
    """Returns whether these are two arrays, the first with at most four axes."""
    return (
        isinstance(weights, list)
        and len(weights) == 2
        and all(isinstance(array, np.ndarray) for array in weights)
        and weights[0].ndim <= 4
    )


def _text(struct, name, default=None):
    """Returns a text field of a struct."""
    value = struct.get(name)
    return value if isinstance(value, str) and value else default


def _numbers(struct, name, default=None):
    """Returns a struct's field of integers as a list, with `"no number"` for other values."""
    if name not in struct:
        return [default]
    value = struct[name]
    if not isinstance(value, np.ndarray) or not value.size or value.size > _MOST_NUMBERS:
        return ["no number"]
    return value.ravel().tolist()


def _mean_colour(path, meta):
    """Returns the mean colour of the average image."""
    normalization = meta.get("normalization") if isinstance(meta, dict) else None
    average = normalization.get("averageImage") if isinstance(normalization, dict) else None
    shape = getattr(average, "shape", None)
    received = "none" if shape is None else f"an array of shape {shape}"
    if (
        not isinstance(average, np.ndarray)
        or not average.size
        or (average.shape[-1] != 3 and average.size != 3)
    ):
        raise ValueError(
            f"{path}: expected MatConvNet's vgg-face.mat with an average image in "
            f"`meta.normalization.averageImage`, received {received}."
        )
    mean_colour = average.astype(float).reshape(-1, 3).mean(axis=0)
    if not (mean_colour.min() >= 0 and mean_colour.max() <= 255):
        raise ValueError(f"{path}: expected a mean colour in 0..255, received {mean_colour}.")
    return tuple(mean_colour.tolist())
