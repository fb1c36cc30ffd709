"""A descriptor of the person whom a normalised face shows."""

from importlib import resources
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.forked_process import check_process
from keras_3dmmstn.mesh.numpy_files import read_npz
from keras_3dmmstn.outside_files import open_file

#: The files of a descriptor in its folder.
NETWORK_FILE, SHAPE_FILE = "descriptor.keras", "descriptor.npz"
_AT_ONCE = 128


class FaceDescriptor:
    """Describes people by the textures of their faces, and by the shape.

    Two descriptors are compared by their cosine, which is their product: both have length 1. It is
    the weighted mean of two cosines, those of what the network makes of the textures and of the
    identity coefficients, turned and scaled to tell people apart.

    An example of what normalised faces are good for, learnt from some hundred people. It is no
    product for identifying anybody, and must not be used for that; see `docs/recognition.md`.
    It may be called from several threads, pickled and copied.

    Args:
        network: as of `descriptor_network`, from textures `(batch, size, size, 4)` with their mask
            as the last channel.
        mean: `(I,)` the mean of the identity coefficients.
        directions: `(I, J)` what they are multiplied by.
        weight: of the cosine of the shape, beside 1 of that of the texture.

    Attributes:
        size: side in pixels of the textures.

    Raises:
        ValueError: if the arrays do not go together, the weight is negative, numbers of arrays or
            network are not finite, or the network takes or gives something else.
    """

    def __init__(
        self, network: keras.Model, mean: np.ndarray, directions: np.ndarray, weight: float
    ):
        check_process()
        mean, directions = _numbers("mean", mean), _numbers("directions", directions)
        if mean.ndim != 1 or directions.ndim != 2 or len(mean) != len(directions):
            raise ValueError(
                "FaceDescriptor expects a mean (I,) and directions (I, J), received "
                f"{mean.shape} and {directions.shape}."
            )
        finite = np.isfinite(mean).all() and np.isfinite(directions).all()
        if not finite or not 0 <= weight < np.inf:
            raise ValueError(
                "FaceDescriptor expects finite numbers and a weight of at least 0, received the "
                f"weight {weight} and {'' if finite else 'not '}finite numbers."
            )
        _check_network(network)
        self._network, self._mean, self._directions = network, mean, directions
        self._weight = float(weight)
        self.size = int(network.input_shape[1])
        self._describe = _graph_of(network)

    def __getstate__(self):
        # A graph of TensorFlow cannot be pickled.
        return {name: value for name, value in vars(self).items() if name != "_describe"}

    def __setstate__(self, state):
        vars(self).update(state, _describe=_graph_of(state["_network"]))

    @classmethod
    def bundled(cls) -> "FaceDescriptor":
        """Returns the descriptor that comes with the package, for its compact preset."""
        with resources.as_file(resources.files("keras_3dmmstn.assets")) as folder:
            return cls.load(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "FaceDescriptor":
        """Reads a descriptor from the folder that `save` wrote.

        Raises:
            FileNotFoundError: if a file is missing.
            ValueError: if one is damaged.
        """
        network_file, shape_file = (Path(folder) / name for name in (NETWORK_FILE, SHAPE_FILE))
        network, arrays = _read_network(network_file), read_npz(shape_file)
        try:
            shape = arrays["mean"], arrays["directions"], float(arrays["weight"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{shape_file}: expected the mean, directions and weight of a descriptor: {error}"
            ) from error
        try:
            return cls(network, *shape)
        except ValueError as error:
            raise ValueError(f"{network_file} and {SHAPE_FILE}: {error}") from error

    def __call__(self, textures: np.ndarray, masks: np.ndarray, identity: np.ndarray) -> np.ndarray:
        """Describes faces.

        Args:
            textures: `(n, size, size, 3)` uint8 RGB.
            masks: `(n, size, size)` bool, where the faces are seen.
            identity: `(n, I)` the identity coefficients.

        Returns:
            `(n, D)` float32 of length 1.

        Raises:
            RuntimeError: in a process that was forked after TensorFlow was used: spawn it.
            ValueError: if a shape or type is none of these, or a coefficient is not finite.
        """
        check_process()
        textures, masks, identity = map(np.asarray, (textures, masks, identity))
        self._check(textures, masks, identity)
        offsets = identity.astype(np.float64) - self._mean
        shape = _of_length_one(offsets @ self._directions)
        pictures = np.concatenate([textures, 255 * masks[..., None].astype(np.uint8)], axis=-1)
        looks = np.zeros((len(pictures), self._network.output_shape[-1]), np.float32)
        for start in range(0, len(pictures), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            looks[part] = self._of_pictures(pictures[part])
        total = 1 + self._weight
        return np.concatenate(
            [looks * np.sqrt(1 / total), shape * np.sqrt(self._weight / total)], axis=1
        ).astype(np.float32)

    def save(self, folder: str | Path) -> None:
        """Writes the descriptor into a folder, which is made; each file whole or not at all."""
        folder = Path(folder)
        with atomic_destination(folder / NETWORK_FILE, keep_suffix=True) as aside:
            self._network.save(aside)
        with atomic_destination(folder / SHAPE_FILE, keep_suffix=True) as aside:
            np.savez(
                aside,
                mean=self._mean,
                directions=self._directions,
                weight=np.float32(self._weight),
            )

    def _of_pictures(self, pictures):
        """Returns the mean descriptor of pictures `(n, size, size, 4)` and their reflections."""
        views = (pictures, pictures[:, :, ::-1])
        # Of half precision squares overflow, and lengths are not 1.
        found = [
            np.asarray(self._describe(tf.constant(view, tf.float32)), np.float32) for view in views
        ]
        return _of_length_one(sum(map(_of_length_one, found)))

    def _check(self, textures, masks, identity):
        """Raises a ValueError unless the arrays of a call have their shapes."""
        count, size, modes = len(np.atleast_1d(identity)), self.size, len(self._mean)
        expected = (count, size, size, 3), (count, size, size), (count, modes)
        received = textures.shape, masks.shape, identity.shape
        if received != expected:
            raise ValueError(
                f"FaceDescriptor expects textures, masks and identity of shapes {expected}, "
                f"received {received}."
            )
        numbers = identity.dtype.kind in "iuf" and np.isfinite(identity.astype(np.float32)).all()
        if textures.dtype != np.uint8 or masks.dtype != bool or not numbers:
            raise ValueError(
                "FaceDescriptor expects textures of uint8, masks of bool and a finite identity, "
                f"received {textures.dtype}, {masks.dtype} and {identity.dtype}."
            )


def _numbers(name, array):
    """Returns an array as float32, or raises a ValueError if it is none of real numbers."""
    array = np.asarray(array)
    if array.dtype.kind not in "iuf":
        raise ValueError(
            f"FaceDescriptor expects real numbers as {name}, received {array.dtype.name}."
        )
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _read_network(file):
    """Reads a network that Keras saved, or raises a ValueError that names the file."""
    with open_file(file) as content:
        whole = is_zipfile(content)
    try:
        if not whole:
            raise ValueError("cut short, or something else")
        return keras.models.load_model(file, compile=False)
    except Exception as error:  # a damaged file raises almost anything
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{file}: expected a network that `save` wrote, received one that does not load "
            f"({type(error).__name__}: {reason})."
        ) from error


def _check_network(network):
    """Raises a ValueError unless a network makes finite numbers of square pictures with a mask."""
    taken: Any = getattr(network, "input_shape", None)
    given: Any = getattr(network, "output_shape", None)
    ends = (taken, 4), (given, 2)
    plain = all(isinstance(shape, tuple) and len(shape) == rank for shape, rank in ends)
    free = plain and taken[0] is None and given[0] is None
    if not free or None in (*taken[1:], given[1]) or taken[1] != taken[2] or taken[3] != 4:
        raise ValueError(
            "FaceDescriptor expects a network of square pictures with 4 channels, in batches of "
            f"any size, to one descriptor of each, received one from {taken} to {given}."
        )
    for weight in network.weights:
        if not np.isfinite(np.asarray(keras.ops.convert_to_numpy(weight), np.float32)).all():
            raise ValueError(
                "FaceDescriptor expects a network of finite weights, received NaN or infinity in "
                f"{weight.path}: the training may have diverged."
            )


def _graph_of(network):
    """Returns the network as a graph of TensorFlow, for any number of pictures."""
    pictures = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
    return tf.function(lambda x: network(x, training=False), [pictures])


def _of_length_one(descriptors):
    """Returns descriptors `(n, D)` of length 1."""
    descriptors = np.asarray(descriptors, np.float64)  # squares of large ones overflow in float32
    return descriptors / np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-12)
