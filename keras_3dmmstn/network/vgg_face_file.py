"""Reads `vgg-face.mat`, a network in MatConvNet's SimpleNN format."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.io import loadmat


class VggFaceFile(NamedTuple):
    """What the file holds, up to fc7.

    Attributes:
        convolutions: name to `(side, side, in, out)` kernel and `(out,)` bias, float32. A kernel
            is correlated with the image, not flipped, as Keras does it.
        mean_colour: RGB in 0..255, to be subtracted from photographs.
    """

    convolutions: dict[str, tuple[np.ndarray, np.ndarray]]
    mean_colour: tuple[float, ...]


def read_vgg_face(path: str | Path, blocks: list[list[str]]) -> VggFaceFile:
    """Reads the convolutions of VGG-Face and its mean colour.

    The file has a cell array `layers` of structs (name, type, weights, stride, pad, ...) and a
    struct `meta` with `normalization.averageImage`; both may also be fields of one struct `net`. An
    average image is reduced to its mean colour. Dropout layers are passed over: the network is
    fine-tuned without them. MatConvNet's files have fc6 and fc7 as convolutions.

    Args:
        path: the file.
        blocks: names of the convolutions; after each but the last block there is a pooling.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is damaged or something else; a layer that differs is named.

    Source:
        MatConvNet 1.0-beta25, `vl_simplenn` (the format), `cnn_vgg_faces.m` (its use).
    """
    content = _load(path)
    try:
        layers = [layer[0, 0] for layer in content["layers"].ravel()]
        layers = [layer for layer in layers if _text(layer, "type") != "dropout"]
        mean_colour = _mean_colour(content["meta"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{path}: expected MatConvNet's vgg-face.mat, with `layers` and "
            f"`meta.normalization.averageImage`, received another MATLAB file ({error})."
        ) from error
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
    """Returns the variables of the file, those of a struct `net` unpacked."""
    try:
        with Path(path).open("rb") as file:
            content = loadmat(file)
        if "net" in content:
            struct = content["net"][0, 0]
            content = {name: struct[name] for name in struct.dtype.names}
            if "normalization" in content:
                content.setdefault("meta", content)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises almost anything
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{path}: expected a MATLAB file of version 5 to 7.2, received one that is damaged or "
            f"something else ({type(error).__name__}: {reason})."
        ) from error
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
        # Padding below and to the right changes nothing where sides are even.
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
    try:
        kernel, bias = (np.asarray(array, np.float32) for array in layer["weights"].flat)
        kernel = kernel.reshape([*kernel.shape, *[1] * (4 - kernel.ndim)])
        bias = bias.ravel()
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise ValueError(
            f"{path}: expected layer {name} to have a kernel and a bias, received neither: {error}."
        ) from error
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


def _text(struct, name, default=None):
    """Returns a text field of a struct."""
    if name not in struct.dtype.names or not struct[name].size:
        return default
    return str(np.ravel(struct[name])[0])


def _numbers(struct, name, default=None):
    """Returns a field of integers of a struct as a list."""
    if name not in struct.dtype.names:
        return [default]
    return [int(number) for number in np.ravel(struct[name])]


def _mean_colour(meta):
    """Returns the average image's mean colour."""
    normalization = meta["normalization"] if isinstance(meta, dict) else meta[0, 0]["normalization"]
    average = np.asarray(normalization[0, 0]["averageImage"], float)
    if average.shape[-1] != 3 and average.size != 3:
        raise ValueError(f"an average image of shape {average.shape}")
    return tuple(average.reshape(-1, 3).mean(axis=0).tolist())
