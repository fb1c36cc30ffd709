"""The localiser compiled for inference."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_3dmmstn.forked_process import check_process
from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.inference.compiled_models.saved_localiser import SavedLocaliser
from keras_3dmmstn.inference.threads import processors
from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS, Answers, answer_shapes

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Larger networks, such as VGG-Face, would be held in memory three times.
_MOST_WEIGHTS = 50_000_000


class CompiledLocaliser:
    """A localiser as a `CompiledFunction`, or as a TensorFlow graph where that is not possible.

    Args:
        localiser: a `keras.Model` or `SavedLocaliser` from images to θ, or to a dict with the
            fields of `Answers`, or any callable that does the same, which is called directly. A
            compiled one keeps the weights it has now, a graph uses those of the moment of a call.

    Call arguments:
        crops: `(n, size, size, 3)`, RGB in 0..255.

    Returns:
        `Answers` in float32, the confidence as `(n,)`.
    """

    def __init__(self, localiser: "keras.Model | SavedLocaliser | Callable[[np.ndarray], Any]"):
        self._localiser = localiser
        self._run, self._names = _compiled(localiser)

    def __call__(self, crops: np.ndarray) -> Answers:
        check_process()
        if isinstance(self._run, CompiledFunction):
            said = dict(zip(self._names, self._run(crops), strict=True))
        else:
            said = Answers.of(self._run(np.asarray(crops, np.float32))).named()
            _check_answers(said, len(crops))
        # Half precision, as in a mixed policy, is too coarse for positions in a photograph.
        answers = Answers(**{name: np.asarray(value, np.float32) for name, value in said.items()})
        if answers.confidence is not None:
            answers = answers._replace(confidence=answers.confidence.reshape(len(crops)))
        return answers

    def __getstate__(self):
        # A graph of TensorFlow cannot be pickled.
        kept = self._run if isinstance(self._run, CompiledFunction) else None
        return {"_localiser": self._localiser, "_run": kept, "_names": self._names}

    def __setstate__(self, state):
        self._localiser, self._run, self._names = (
            state[name] for name in ("_localiser", "_run", "_names")
        )
        if self._run is None:
            self._run, self._names = _compiled(self._localiser)


def _check_answers(said, count):
    """Raises a ValueError unless a localiser's outputs are valid for `count` crops."""
    if "parameters" not in said:
        raise ValueError("Expected a localiser that says `parameters`, received a dict without.")
    expected = (count, SPREAD_LANDMARKS)
    if "spread" in said and np.shape(said["spread"]) != expected:
        raise ValueError(
            f"Expected a localiser that says a spread of shape {expected} for {count} crops, "
            f"received one of shape {np.shape(said['spread'])}."
        )


def _compiled(localiser):
    """Returns the function that runs a localiser, and its outputs' names if it is compiled."""
    check_process()
    if not isinstance(localiser, SavedLocaliser):
        return _compiled_now(localiser)
    if localiser.compiled is not None:
        _log_litert()
        names = tuple(answer_shapes(localiser.description).named())
        return CompiledFunction.of(localiser.compiled), names
    run, names = _compiled_now(localiser.model())
    if isinstance(run, CompiledFunction):
        localiser.keep(run.model)
    return run, names


def _compiled_now(localiser):
    """Returns the same for a localiser that is not saved, or has been read."""
    import keras
    import tensorflow as tf

    if not isinstance(localiser, keras.Model):
        logger.info("the localiser is called as it is: %s", type(localiser).__name__)
        return localiser, ()
    shape = localiser.input_shape[1:]
    names: list[str] = []

    def answers(images):
        said = Answers.of(localiser(images, training=False)).named()
        names[:] = said  # of the actual outputs, not of the declared ones
        return tuple(said.values())

    if localiser.count_params() <= _MOST_WEIGHTS:
        try:
            compiled = CompiledFunction(answers, [shape])
        except Exception as error:  # an operator that LiteRT lacks may raise anything
            logger.info("LiteRT does not run the localiser: %s", str(error).strip().split("\n")[0])
        else:
            _log_litert()
            return compiled, tuple(names)
    devices = [device.name for device in tf.config.get_visible_devices()]
    logger.info("TensorFlow runs the localiser; devices: %s", ", ".join(devices))
    signature = [tf.TensorSpec((None, *shape), tf.float32)]
    run = tf.function(lambda images: localiser(images, training=False), input_signature=signature)
    return run, ()


def _log_litert():
    """Logs what runs a compiled localiser."""
    logger.info("LiteRT runs the localiser on the CPU, on up to %d threads", processors())
