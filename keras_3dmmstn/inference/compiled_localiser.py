"""The localiser compiled for inference."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.compiled_function import CompiledFunction

# Larger ones, such as VGG-Face, would be held in memory three times.
_MOST_WEIGHTS = 50_000_000


class CompiledLocaliser:
    """A localiser as a `CompiledFunction`; as a graph of TensorFlow if it cannot be one.

    Args:
        localiser: a `keras.Model` from images to θ, whose weights are taken as they are now; or any
            callable that does the same, which is called as it is.

    Call arguments:
        crops: `(n, size, size, 3)`, RGB in 0..255.

    Returns:
        θ `(n, 6 + D)` float32.
    """

    def __init__(self, localiser: keras.Model | Callable[[np.ndarray], Any]):
        self._localiser = localiser
        self._run = _compiled(localiser)

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        if isinstance(self._run, CompiledFunction):
            parameters = self._run(crops)[0]
        else:
            parameters = self._run(np.asarray(crops, np.float32))
        # Half precision of a mixed policy is too coarse for places in a photograph.
        return np.asarray(parameters, np.float32)

    def __getstate__(self):
        # A graph of TensorFlow cannot be pickled.
        kept = self._run if isinstance(self._run, CompiledFunction) else None
        return {"_localiser": self._localiser, "_run": kept}

    def __setstate__(self, state):
        self._localiser = state["_localiser"]
        self._run = state["_run"] or _compiled(self._localiser)


def _compiled(localiser):
    """Returns what runs a localiser."""
    if not isinstance(localiser, keras.Model):
        return localiser
    shape = localiser.input_shape[1:]
    if localiser.count_params() <= _MOST_WEIGHTS:
        try:
            return CompiledFunction(lambda images: (localiser(images, training=False),), [shape])
        except Exception:  # an operator of the backbone that LiteRT does not have: anything
            pass
    signature = [tf.TensorSpec((None, *shape), tf.float32)]
    return tf.function(lambda images: localiser(images, training=False), input_signature=signature)
