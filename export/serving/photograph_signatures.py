"""The signatures that take encoded photographs, and answer for each face of a request."""

import tensorflow as tf

from keras_3dmmstn.export.serving import request_checks
from keras_3dmmstn.export.serving.encoded_photographs import face_squares
from keras_3dmmstn.export.serving.item_faults import (
    DATA_LOSS,
    GOOD,
    INVALID_ARGUMENT,
    OUT_OF_RANGE,
)
from keras_3dmmstn.export.serving.photograph_items import crops_of_faces, crops_of_whole
from keras_3dmmstn.ops.parameters import POSE_SIZE

# What is not an answer is 0 in them, as what is hidden is; NaN in the others.
_PICTURES = ("texture", "mask")

#: What the card says of these signatures.
CARD = {
    "signatures": ["serving_bytes", "serving_faces", "serving_groups"],
    "status": {
        str(GOOD): "answered",
        str(INVALID_ARGUMENT): "neither JPEG nor PNG, too many pixels, or not a box",
        str(OUT_OF_RANGE): "the box lies outside the photograph",
        str(DATA_LOSS): "the file is damaged",
    },
    "message": "what was expected and what was received; empty if the status is 0",
    "without_answer": {"texture": 0, "mask": 0, "others": "NaN"},
}


def signatures_of_photographs(whole, image):
    """Returns name to function and signature for encoded photographs.

    Their outputs are those of the network, and for each face

    - `status` int32: 0, or a code of google.rpc.Code that says why there is no answer:
      3 (INVALID_ARGUMENT) for files that are neither JPEG nor PNG or too large, and for numbers
      that are not a box; 11 (OUT_OF_RANGE) for a box outside its photograph; 15 (DATA_LOSS) for a
      file that is damaged;
    - `message` string: what was expected and what was received; empty if the status is 0.

    Where the status is not 0, parameters, landmarks and confidence are NaN, texture and mask 0.

    Args:
        whole: the network, images `(batch, size, size, 3)` to a dictionary.
        image: signature of its images.
    """
    image_size = image.shape[1]
    encoded = tf.TensorSpec((None,), tf.string, name="encoded")
    boxes = tf.TensorSpec((None, 4), tf.float32, name="boxes")
    groups = tf.TensorSpec((None, None, 4), tf.float32, name="boxes")

    def serving_bytes(encoded):
        encoded = request_checks.checked_photographs(encoded)
        crops, status, message = crops_of_whole(encoded, image_size)
        return _answers(whole, tf.ensure_shape(crops, image.shape), status, message)

    def serving_faces(encoded, boxes):
        encoded = request_checks.checked_photographs(encoded)
        boxes = request_checks.checked_box_shape(boxes, encoded)
        return _answers_of_faces(whole, image, encoded, boxes[:, None])

    def serving_groups(encoded, boxes):
        encoded = request_checks.checked_photographs(encoded)
        boxes = request_checks.checked_box_shape(boxes, encoded)
        outputs = _answers_of_faces(whole, image, encoded, boxes)
        groups = tf.shape(boxes)[:2]
        return {
            name: tf.reshape(values, tf.concat([groups, tf.shape(values)[1:]], axis=0))
            for name, values in outputs.items()
        }

    return {
        "serving_bytes": (serving_bytes, [encoded]),
        "serving_faces": (serving_faces, [encoded, boxes]),
        "serving_groups": (serving_groups, [encoded, groups]),
    }


def _answers_of_faces(whole, image, encoded, boxes):
    """Answers for boxes `(batch, faces, 4)` of photographs, all in a row, in their pixels."""
    crops, status, message = crops_of_faces(encoded, boxes, image.shape[1])
    crops = tf.reshape(crops, (-1, *image.shape[1:]))
    outputs = _answers(whole, crops, tf.reshape(status, (-1,)), tf.reshape(message, (-1,)))
    return _in_photograph(outputs, face_squares(tf.reshape(boxes, (-1, 4))), image.shape[1])


def _answers(whole, crops, status, message):
    """Returns what the network says of the crops whose status is good, and the status of all."""
    good = tf.where(tf.equal(status, GOOD))
    # TensorFlow's optimised convolutions fail for a batch of none: a black one takes its place.
    images = tf.cond(
        tf.equal(tf.size(good), 0),
        lambda: tf.zeros((1, *crops.shape[1:]), crops.dtype),
        lambda: tf.gather(crops, good[:, 0]),
    )
    outputs = {}
    for name, values in whole(tf.ensure_shape(images, (None, *crops.shape[1:]))).items():
        values = values[: tf.shape(good)[0]]
        rest = tf.fill(
            tf.concat([tf.shape(status), tf.shape(values)[1:]], axis=0),
            tf.constant(0.0 if name in _PICTURES else float("nan"), values.dtype),
        )
        filled = tf.tensor_scatter_nd_update(rest, good, values)
        outputs[name] = tf.ensure_shape(filled, (None, *values.shape[1:]))
    return {**outputs, "status": status, "message": message}


def _in_photograph(outputs, squares, image_size):
    """Takes landmarks, t and log s from pixels of crops to pixels of photographs.

    Args:
        outputs: of the network.
        squares: `(batch, 3)`, centre and side of each crop in its photograph.
        image_size: side of a crop in its own pixels.
    """
    zoom = squares[:, 2:] / image_size  # pixels of the photograph per pixel of the crop
    corner = squares[:, :2] - zoom * ((image_size - 1) / 2)
    theta = outputs["parameters"]
    r, t, log_scale, alpha = tf.split(theta, (3, 2, 1, theta.shape[1] - POSE_SIZE), axis=1)
    moved = tf.concat([r, zoom * t + corner, log_scale + tf.math.log(zoom), alpha], axis=1)
    landmarks = zoom[:, None] * outputs["landmarks"] + corner[:, None]
    return {**outputs, "parameters": moved, "landmarks": landmarks}
