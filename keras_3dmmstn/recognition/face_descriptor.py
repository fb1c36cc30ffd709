"""A descriptor of the person whom a normalised face shows."""

import zlib
from importlib import resources
from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import keras
import numpy as np
import tensorflow as tf

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

    Args:
        network: as of `descriptor_network`, from textures `(batch, size, size, 4)` with their mask
            as the last channel.
        mean: `(I,)` the mean of the identity coefficients.
        directions: `(I, J)` what they are multiplied by.
        weight: of the cosine of the shape, beside 1 of that of the texture.

    Attributes:
        size: side in pixels of the textures.

    Raises:
        ValueError: if the arrays do not go together, the weight is negative, or the network takes
            other pictures.
    """

    def __init__(
        self, network: keras.Model, mean: np.ndarray, directions: np.ndarray, weight: float
    ):
        mean, directions = np.asarray(mean, np.float32), np.asarray(directions, np.float32)
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
        pictures = tf.TensorSpec((None, self.size, self.size, 4), tf.float32)
        self._describe = tf.function(lambda x: network(x, training=False), [pictures])

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
        for file in (network_file, shape_file):
            with open_file(file) as content:
                if not is_zipfile(content):
                    raise ValueError(f"{file}: expected what `save` wrote, received other bytes.")
        try:
            with np.load(shape_file, allow_pickle=False) as arrays:
                mean, directions, weight = (arrays[n] for n in ("mean", "directions", "weight"))
            shape = mean, directions, float(weight)
        except (BadZipFile, EOFError, KeyError, TypeError, ValueError, zlib.error) as error:
            raise ValueError(
                f"{shape_file}: expected the mean, directions and weight of a descriptor: {error}"
            ) from error
        return cls(keras.models.load_model(network_file, compile=False), *shape)

    def __call__(self, textures: np.ndarray, masks: np.ndarray, identity: np.ndarray) -> np.ndarray:
        """Describes faces.

        Args:
            textures: `(n, size, size, 3)` uint8 RGB.
            masks: `(n, size, size)` bool, where the faces are seen.
            identity: `(n, I)` the identity coefficients.

        Returns:
            `(n, D)` float32 of length 1.

        Raises:
            ValueError: if a shape or type is none of these, or a coefficient is not finite.
        """
        textures, masks, identity = map(np.asarray, (textures, masks, identity))
        self._check(textures, masks, identity)
        shape = _of_length_one((identity - self._mean) @ self._directions)
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
        """Writes the descriptor into a folder, which is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._network.save(folder / NETWORK_FILE)
        np.savez(
            folder / SHAPE_FILE,
            mean=self._mean,
            directions=self._directions,
            weight=np.float32(self._weight),
        )

    def _of_pictures(self, pictures):
        """Returns the mean descriptor of pictures `(n, size, size, 4)` and their reflections."""
        views = (pictures, pictures[:, :, ::-1])
        found = [np.asarray(self._describe(tf.constant(view, tf.float32))) for view in views]
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
        if textures.dtype != np.uint8 or masks.dtype != bool or not np.isfinite(identity).all():
            raise ValueError(
                "FaceDescriptor expects textures of uint8, masks of bool and a finite identity, "
                f"received {textures.dtype}, {masks.dtype} and {identity.dtype}."
            )


def _check_network(network):
    """Raises a ValueError unless a network takes square pictures of 4 channels."""
    taken = getattr(network, "input_shape", None)
    if not isinstance(taken, tuple) or len(taken) != 4 or taken[1] != taken[2] or taken[3] != 4:
        raise ValueError(
            "FaceDescriptor expects a network of square pictures with 4 channels, received one of "
            f"{taken}."
        )


def _of_length_one(descriptors):
    """Returns descriptors `(n, D)` of length 1."""
    return descriptors / np.maximum(np.linalg.norm(descriptors, axis=1, keepdims=True), 1e-12)
