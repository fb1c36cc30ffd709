"""The signatures that take encoded photographs and answer for each face of a request."""

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

# Missing answers are 0 in these, as hidden parts are; NaN in the others.
_PICTURES = ("texture", "mask")

# Faces that are cut out and processed together: a crop and its layers take 3 MB.
_PIECE = 64

#: What the card says about these signatures.
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

    Their outputs are those of the network and, for each face,

    - `status` int32: 0, or a code of google.rpc.Code that says why there is no answer:
      3 (INVALID_ARGUMENT) for files that are neither JPEG nor PNG or too large, and for numbers
      that are not a box; 11 (OUT_OF_RANGE) for a box outside its photograph; 15 (DATA_LOSS) for a
      file that is damaged;
    - `message` string: what was expected and what was received; empty if the status is 0.

    Where the status is not 0, parameters, landmarks, confidence and spread are NaN, texture and
    mask 0.

    Args:
        whole: the network, from images `(batch, size, size, 3)` to a dictionary.
        image: the signature of its images.
    """
    image_size = image.shape[1]
    encoded = tf.TensorSpec((None,), tf.string, name="encoded")
    boxes = tf.TensorSpec((None, 4), tf.float32, name="boxes")
    groups = tf.TensorSpec((None, None, 4), tf.float32, name="boxes")

    @tf.function(input_signature=[encoded], autograph=False)
    def answers_of_whole(encoded):
        crops, status, message = crops_of_whole(encoded, image_size)
        return _answers(whole, tf.ensure_shape(crops, image.shape), status, message)

    @tf.function(input_signature=[encoded, groups], autograph=False)
    def answers_of_faces(encoded, boxes):
        return _answers_of_faces(whole, image, encoded, boxes)

    def serving_bytes(encoded):
        encoded = request_checks.checked_photographs(encoded)
        return _in_pieces(answers_of_whole, _PIECE, encoded)

    def serving_faces(encoded, boxes):
        encoded = request_checks.checked_photographs(encoded)
        boxes = request_checks.checked_box_shape(boxes, encoded)
        return _in_pieces(answers_of_faces, _PIECE, encoded, boxes[:, None])

    def serving_groups(encoded, boxes):
        encoded = request_checks.checked_photographs(encoded)
        boxes = request_checks.checked_box_shape(boxes, encoded)
        groups = tf.shape(boxes)[:2]
        outputs = _in_pieces(answers_of_faces, _PIECE // tf.maximum(groups[1], 1), encoded, boxes)
        return {
            name: tf.reshape(values, tf.concat([groups, tf.shape(values)[1:]], axis=0))
            for name, values in outputs.items()
        }

    return {
        "serving_bytes": (serving_bytes, [encoded]),
        "serving_faces": (serving_faces, [encoded, boxes]),
        "serving_groups": (serving_groups, [encoded, groups]),
    }


def _in_pieces(function, step, *inputs):
    """Calls a function for one piece of the photographs after another, to need memory for only one.

    Args:
        function: `tf.function` with a signature, from inputs `(photographs, ...)` to name to tensor
            `(faces, ...)`.
        step: photographs in a piece.
        inputs: `(batch, ...)` tensors.

    Returns:
        Name to tensor, with the pieces concatenated.
    """
    pieces = -(-tf.shape(inputs[0])[0] // step)
    specs = function.get_concrete_function().structured_outputs
    arrays = {
        name: tf.TensorArray(spec.dtype, pieces, element_shape=spec.shape, infer_shape=False)
        for name, spec in specs.items()
        if spec.dtype.is_floating
    }
    # An array of strings would have no gradient, and so would none of the loop.
    said = {n: tf.zeros((0,), spec.dtype) for n, spec in specs.items() if n not in arrays}

    def add_piece(place, arrays, said):
        outputs = function(*(v[place * step : (place + 1) * step] for v in inputs))
        arrays = {name: array.write(place, outputs[name]) for name, array in arrays.items()}
        return place + 1, arrays, {n: tf.concat([v, outputs[n]], 0) for n, v in said.items()}

    _, arrays, said = tf.while_loop(
        lambda place, *_: place < pieces,
        add_piece,
        (tf.constant(0), arrays, said),
        shape_invariants=(
            tf.TensorShape(()),
            {name: tf.TensorShape(None) for name in arrays},
            {name: tf.TensorShape((None,)) for name in said},
        ),
        parallel_iterations=1,
    )
    return {**{name: array.concat() for name, array in arrays.items()}, **said}


def _answers_of_faces(whole, image, encoded, boxes):
    """Returns the answers for boxes `(batch, faces, 4)`, concatenated, in pixels of photographs."""
    crops, status, message = crops_of_faces(encoded, boxes, image.shape[1])
    crops = tf.reshape(crops, (-1, *image.shape[1:]))
    outputs = _answers(whole, crops, tf.reshape(status, (-1,)), tf.reshape(message, (-1,)))
    return _in_photograph(outputs, face_squares(tf.reshape(boxes, (-1, 4))), image.shape[1])


def _answers(whole, crops, status, message):
    """Returns the network's outputs for the crops whose status is 0, and the status of all."""
    good = tf.where(tf.equal(status, GOOD))
    # TensorFlow's optimised convolutions fail for an empty batch: a black crop takes its place.
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
    """Converts landmarks, t and log s from pixels of crops to pixels of photographs.

    Args:
        outputs: the outputs of the network.
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
