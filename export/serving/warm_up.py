"""Requests that TensorFlow Serving runs when it loads a model, before the first client asks."""

import importlib.util
import logging
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_3dmmstn.export.serving.serving_client import MODEL, group_inputs, photograph_inputs

logger = logging.getLogger(__name__)

#: Where a server looks for these requests, below the folder of a version.
WARM_UP = Path("assets.extra", "tf_serving_warmup_requests")

# Batch sizes of the requests: one must be quick, and batching makes several.
_BATCHES = (1, 4)


def warm_up_requests(image_size: int) -> list[tuple[str, dict[str, np.ndarray]]]:
    """Returns the signature and inputs of one request for each signature and batch size."""
    side = 2 * image_size
    level = np.tile(np.linspace(0, 255, side).astype(np.uint8)[:, None], (side, 1, 3))
    level = level.reshape(side, side, 3)
    files = [tf.io.encode_jpeg(level).numpy(), tf.io.encode_png(level).numpy()]
    box = np.array([0.25, 0.25, 0.75, 0.75], np.float32) * side
    requests = []
    for batch in _BATCHES:
        image = np.full((batch, image_size, image_size, 3), 128, np.float32)
        photographs = (files * batch)[:batch]
        requests += [
            ("serving_default", {"image": image}),
            ("fit", {"image": image}),
            photograph_inputs(photographs),
            photograph_inputs(photographs, np.tile(box, (batch, 1))),
            group_inputs(photographs, [np.tile(box, (2, 1))] * batch),
        ]
    return requests


def write_warm_up(folder: str | Path, image_size: int) -> bool:
    """Writes `assets.extra/tf_serving_warmup_requests` into a version of a SavedModel.

    It is a TFRecord file of `PredictionLog` messages. A server that cannot run one of them does
    not load the version.

    Args:
        folder: the folder of the version.
        image_size: side of the network's images in pixels.

    Returns:
        Whether it was written: it needs the extra `serving`.
    """
    if importlib.util.find_spec("tensorflow_serving") is None:
        logger.warning(
            "%s: no requests to warm up a server were written. They need tensorflow-serving-api: "
            'pip install "keras-3dmmstn[serving]".',
            folder,
        )
        return False
    from tensorflow_serving.apis import prediction_log_pb2

    path = Path(folder) / WARM_UP
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature, inputs in warm_up_requests(image_size):
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name, request.model_spec.signature_name = MODEL, signature
            for name, values in inputs.items():
                request.inputs[name].CopyFrom(_tensor(values))
            writer.write(log.SerializeToString())
    return True


def _tensor(values):
    """Returns an array as a message; as one number if all are the same, which TensorFlow reads."""
    message = tf.make_tensor_proto(values)
    if values.dtype == np.float32 and np.all(values == values.flat[0]):
        message.ClearField("tensor_content")
        message.float_val[:] = [float(values.flat[0])]
    return message
