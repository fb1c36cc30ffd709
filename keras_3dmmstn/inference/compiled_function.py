"""TensorFlow functions compiled for inference on CPUs."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from keras_3dmmstn.forked_process import check_process
from keras_3dmmstn.inference.threads import processors

if TYPE_CHECKING:
    import tensorflow as tf

# TensorFlow can convert only one function at a time.
_CONVERTING = threading.Lock()


class CompiledFunction:
    """A TensorFlow function as a LiteRT model: no eager operations, and no graph to trace again.

    The examples of a batch are computed separately, in parallel on several processors: on CPUs a
    batch is no faster, and this way memory does not grow with the number of examples. The function
    may be called from several threads, pickled and copied.

    Args:
        function: from tensors `(1, ...)` to a tuple of tensors `(1, ...)`. Its variables keep the
            values that they have now.
        shapes: of the arguments, without the batch axis.

    Call arguments:
        arrays: one for each argument, `(n, ...)`, of any type of number.

    Returns:
        A list of arrays `(n, ...)`.

    Raises:
        Exception: TensorFlow's own, if the function has an operator that LiteRT lacks.
        RuntimeError: if the process was forked from one that had used TensorFlow: it would wait
            for threads that do not exist in it.
    """

    def __init__(
        self, function: "Callable[..., tuple[tf.Tensor, ...]]", shapes: Sequence[Sequence[int]]
    ):
        import tensorflow as tf

        check_process()
        signature = [
            tf.TensorSpec((1, *shape), tf.float32, name=f"argument_{number}")
            for number, shape in enumerate(shapes)
        ]
        with _CONVERTING:
            self._model: bytes = tflite_converter(function, signature).convert()
        self._idle: list[Any] = []

    @classmethod
    def of(cls, model: bytes) -> Self:
        """Returns the function that was compiled to `model`; this does not need TensorFlow."""
        function = cls.__new__(cls)
        function.__setstate__({"_model": model})
        return function

    @property
    def model(self) -> bytes:
        """The content of a `.tflite` file."""
        return self._model

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        check_process()
        count = len(arrays[0])
        if count == 1:
            return self._run(arrays)
        if not count:
            nothing = [np.zeros((1, *array.shape[1:])) for array in arrays]
            return [answer[:0] for answer in self._run(nothing)]
        examples = [[array[k : k + 1] for array in arrays] for k in range(count)]
        with ThreadPoolExecutor(min(count, processors())) as pool:
            answers = list(pool.map(self._run, examples))
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]

    def _run(self, example):
        """Computes one example, arrays `(1, ...)`, in a runner that no other thread uses."""
        try:
            run = self._idle.pop()
        except IndexError:
            run = _Runner(self._model)
        answer = run(example)
        self._idle.append(run)
        return answer

    def __getstate__(self):
        return {"_model": self._model}

    def __setstate__(self, state):
        self._model, self._idle = state["_model"], []


class _Runner:
    """An interpreter, for one thread at a time.

    Args:
        model: the content of a `.tflite` file.
    """

    def __init__(self, model: bytes):
        self._interpreter = Interpreter(model_content=model, num_threads=1)
        self._interpreter.allocate_tensors()
        # Queried only once: this takes as long as running a small model.
        details = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._inputs, self._outputs = ([entry["index"] for entry in side] for side in details)

    def __call__(self, example: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Returns the outputs for arrays `(1, ...)`."""
        for index, array in zip(self._inputs, example, strict=True):
            self._interpreter.set_tensor(index, np.ascontiguousarray(array, np.float32))
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


def tflite_converter(
    function: Callable[..., Any], signature: "Sequence[tf.TensorSpec]"
) -> "tf.lite.TFLiteConverter":
    """Returns a converter of a function with this signature to LiteRT's built-in operators.

    The model's inputs and outputs are in the order of the function's.
    """
    import tensorflow as tf

    graph = tf.function(function, input_signature=signature).get_concrete_function()
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        # TensorFlow advises an object that owns the variables; without one they become constants.
        converter = tf.lite.TFLiteConverter.from_concrete_functions([graph])
    finally:
        logger.setLevel(level)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    return converter
