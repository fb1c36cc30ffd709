"""The localiser compiled for inference."""

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_3dmmstn.forked_process import check_process
from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.inference.compiled_models.saved_localiser import SavedLocaliser
from keras_3dmmstn.inference.threads import processors
from keras_3dmmstn.network.localiser_answers import Answers, answer_shapes

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Larger ones, such as VGG-Face, would be held in memory three times.
_MOST_WEIGHTS = 50_000_000


class CompiledLocaliser:
    """A localiser as a `CompiledFunction`; as a graph of TensorFlow if it cannot be one.

    Args:
        localiser: a `keras.Model` from images to θ, or to a dict of what `Answers` has, whose
            weights are taken as they are now, one that is saved among them; or any callable that
            does the same, which is called as it is.

    Call arguments:
        crops: `(n, size, size, 3)`, RGB in 0..255.

    Returns:
        `Answers` in float32, the confidence as `(n,)`.
    """

    def __init__(self, localiser: "keras.Model | SavedLocaliser | Callable[[np.ndarray], Any]"):
        self._localiser = localiser
        self._run = _compiled(localiser)

    def __call__(self, crops: np.ndarray) -> Answers:
        check_process()
        if isinstance(self._run, CompiledFunction):
            said = dict(zip(self._names, self._run(crops), strict=True))
        else:
            said = Answers.of(self._run(np.asarray(crops, np.float32))).named()
        # Half precision of a mixed policy is too coarse for places in a photograph.
        answers = Answers(**{name: np.asarray(value, np.float32) for name, value in said.items()})
        if answers.confidence is not None:
            answers = answers._replace(confidence=answers.confidence.reshape(len(crops)))
        return answers

    @functools.cached_property
    def _names(self):
        """What the compiled function says, in its order."""
        localiser = self._localiser
        saved = isinstance(localiser, SavedLocaliser)
        return tuple(answer_shapes(localiser.description if saved else localiser).named())

    def __getstate__(self):
        # A graph of TensorFlow cannot be pickled.
        kept = self._run if isinstance(self._run, CompiledFunction) else None
        return {"_localiser": self._localiser, "_run": kept}

    def __setstate__(self, state):
        self._localiser = state["_localiser"]
        self._run = state["_run"] or _compiled(self._localiser)


def _answers(localiser, images):
    """Returns what there is of a localiser's `Answers`, a tuple."""
    return tuple(Answers.of(localiser(images, training=False)).named().values())


def _compiled(localiser):
    """Returns what runs a localiser."""
    check_process()
    if not isinstance(localiser, SavedLocaliser):
        return _compiled_now(localiser)
    if localiser.compiled is not None:
        _log_litert()
        return CompiledFunction.of(localiser.compiled)
    run = _compiled_now(localiser.model())
    if isinstance(run, CompiledFunction):
        localiser.keep(run.model)
    return run


def _compiled_now(localiser):
    """Returns what runs a localiser that is not saved, or was read."""
    import keras
    import tensorflow as tf

    if not isinstance(localiser, keras.Model):
        logger.info("the localiser is called as it is: %s", type(localiser).__name__)
        return localiser
    shape = localiser.input_shape[1:]
    if localiser.count_params() <= _MOST_WEIGHTS:
        try:
            compiled = CompiledFunction(lambda images: _answers(localiser, images), [shape])
        except Exception as error:  # an operator that LiteRT does not have: anything
            logger.info("LiteRT does not run the localiser: %s", str(error).strip().split("\n")[0])
        else:
            _log_litert()
            return compiled
    devices = [device.name for device in tf.config.get_visible_devices()]
    logger.info("TensorFlow runs the localiser; devices: %s", ", ".join(devices))
    signature = [tf.TensorSpec((None, *shape), tf.float32)]
    return tf.function(lambda images: localiser(images, training=False), input_signature=signature)


def _log_litert():
    """Says what runs a localiser that is compiled."""
    logger.info("LiteRT runs the localiser on the CPU, on up to %d threads", processors())
