"""Crops of faces in encoded photographs, each with its own status, so that faults stay separate."""

import tensorflow as tf

from keras_3dmmstn.export.serving import encoded_photographs, item_faults


def crops_of_whole(encoded, image_size):
    """Decodes photographs and scales the square in the middle of each.

    Args:
        encoded: `(batch,)` string tensor, JPEG or PNG files.
        image_size: side of a crop in pixels.

    Returns:
        crops, status and message, as from `crops_of_faces`, `(batch, ...)`.
    """

    def crop(file):
        status, message, _ = item_faults.file_fault(file)
        image = _decoded(file, tf.equal(status, item_faults.GOOD))
        square = encoded_photographs.middle_square(image)
        return encoded_photographs.cut_square(image, square, image_size), status, message

    return _of_each(crop, (encoded,), (image_size, image_size, 3), ())


def crops_of_faces(encoded, boxes, image_size):
    """Decodes each photograph once and scales the squares of the faces in its boxes.

    Args:
        encoded: `(batch,)` string tensor, JPEG or PNG files.
        boxes: `(batch, faces, 4)` float32 tensor, x0, y0, x1, y1 in pixels of each photograph.
        image_size: side of a crop in pixels.

    Returns:
        crops, status and message: `(batch, faces, image_size, image_size, 3)` float32,
        `(batch, faces)` int32 and string. Where the status is not 0, the crop is meaningless.
    """

    def crops(file, boxes):
        *fault, size = item_faults.file_fault(file)
        status, message = item_faults.first_fault(fault, item_faults.box_faults(boxes, size))
        good = tf.equal(status, item_faults.GOOD)
        image = _decoded(file, tf.reduce_any(good))
        squares = encoded_photographs.face_squares(boxes)
        squares = tf.where(good[:, None], squares, tf.constant([0.0, 0.0, 1.0]))
        cut = tf.map_fn(
            lambda square: encoded_photographs.cut_square(image, square, image_size), squares
        )
        return cut, status, message

    count = tf.shape(boxes)[1]
    return _of_each(crops, (encoded, boxes), (count, image_size, image_size, 3), (count,))


def _decoded(encoded, is_good):
    """Decodes a file if it is valid; otherwise returns one black pixel."""
    return tf.cond(
        is_good,
        lambda: encoded_photographs.decode(encoded),
        lambda: tf.zeros((1, 1, 3), tf.uint8),
    )


def _of_each(function, inputs, crop_shape, status_shape):
    """Calls a function for each photograph in turn; where it raises, the status says so.

    Args:
        function: from one photograph and what belongs to it to crops, status and message.
        inputs: `(batch,)` string tensor, and others `(batch, ...)`.
        crop_shape: shape of the crops of one photograph.
        status_shape: shape of status and message of one photograph.
    """
    count = tf.shape(inputs[0])[0]
    # TensorFlow has no other way to continue after an error: the data set drops what raises.
    items = tf.data.Dataset.from_tensor_slices((tf.range(count), *inputs))
    items = items.map(
        tf.autograph.experimental.do_not_convert(lambda place, *rest: (place, *function(*rest)))
    ).ignore_errors()
    # It may drop all, and would then yield no batch. Row 0 stands for what is dropped.
    nothing = (
        tf.constant(-1),
        tf.zeros(crop_shape),
        tf.zeros(status_shape, tf.int32),
        tf.zeros(status_shape, tf.string),
    )
    items = tf.data.Dataset.from_tensors(nothing).concatenate(items)
    places, *found = items.batch(tf.cast(count + 1, tf.int64)).get_single_element()
    rows = tf.scatter_nd(places[1:, None], tf.range(1, tf.size(places)), count[None])
    crops, status, message = (tf.gather(values, rows) for values in found)
    # A set has no gradient; crops are data.
    crops = tf.stop_gradient(crops)

    is_lost, encoded = tf.equal(rows, 0), inputs[0]
    for _ in status_shape:
        is_lost, encoded = is_lost[:, None], encoded[:, None]
    damage = item_faults.damaged(encoded, is_lost)
    return crops, *item_faults.first_fault(damage, (status, message))
