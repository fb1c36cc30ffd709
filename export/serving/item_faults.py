"""Why one photograph or one box of a request is refused: a status and a message."""

import tensorflow as tf

from keras_3dmmstn.export.serving.encoded_photographs import claimed_size, is_jpeg, is_png
from keras_3dmmstn.inference.boxes import LARGEST_BOX, SMALLEST_BOX
from keras_3dmmstn.inference.picture_size import PIXELS_A_BYTE, SMALL_PICTURE
from keras_3dmmstn.outside_files import MAX_MEGAPIXELS, limit

#: Codes of google.rpc.Code, as of `grpc.StatusCode`.
GOOD = 0
INVALID_ARGUMENT = 3
OUT_OF_RANGE = 11
DATA_LOSS = 15


def file_fault(encoded):
    """Returns what is wrong with the first bytes of a file, before it is decoded.

    The environment variable for the most pixels is read when the graph is built.

    Args:
        encoded: scalar string tensor.

    Returns:
        status, message and size: int32, string, `(2,)` int64 claimed width and height. The status
        is 0 and the message empty if nothing is wrong. Raises if the header of a JPEG file is
        damaged.
    """
    length = tf.strings.length(encoded)
    is_photograph = is_jpeg(encoded) | is_png(encoded)
    size = tf.cond(is_photograph, lambda: claimed_size(encoded), lambda: tf.zeros((2,), tf.int64))
    strange = [
        "encoded: expected JPEG or PNG files, received one of ",
        tf.strings.as_string(length),
        " bytes that begins as neither does",
    ]
    kind = _fault(~is_photograph, INVALID_ARGUMENT, strange)
    fault = first_fault(kind, _size_fault(size, tf.cast(length, tf.int64)))
    # A header that is cut off gives no size against which boxes could be checked.
    return *first_fault(fault, damaged(encoded, tf.reduce_any(size < 1))), size


def damaged(encoded, is_damaged):
    """Returns the status and message of files that cannot be decoded, `(...)` string and bool."""
    received = [
        "encoded: expected whole JPEG or PNG files, received a damaged or truncated one of ",
        tf.strings.as_string(tf.strings.length(encoded)),
        " bytes",
    ]
    return _fault(is_damaged, DATA_LOSS, received)


def box_faults(boxes, size):
    """Returns what is wrong with boxes, as `inference.boxes` does.

    Args:
        boxes: `(faces, 4)` float32 tensor x0, y0, x1, y1.
        size: `(2,)` width and height of their photograph.

    Returns:
        status and message, `(faces,)` int32 and string.
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    is_box = tf.reduce_all(tf.math.is_finite(boxes), axis=1) & tf.reduce_all(sides > 0, axis=1)
    strange = ["boxes: expected x0 < x1, y0 < y1, received ", _numbers(boxes)]
    is_wide = tf.reduce_all(sides >= SMALLEST_BOX, axis=1)
    narrow = [
        f"boxes: expected a box at least {SMALLEST_BOX} pixel wide and high, received ",
        _numbers(boxes),
    ]

    size = tf.cast(size, tf.float32)
    is_inside = tf.reduce_all((boxes[:, 2:] > 0) & (boxes[:, :2] < size - 1), axis=1)
    is_small = tf.reduce_max(sides, axis=1) <= LARGEST_BOX * tf.reduce_max(size)
    outside = [
        "boxes: expected the box of a face within its photograph, at most "
        f"{LARGEST_BOX} times as large, received ",
        _numbers(boxes),
        " in one of width and height ",
        _numbers(size),
    ]
    none = first_fault(
        _fault(~is_box, INVALID_ARGUMENT, strange), _fault(~is_wide, INVALID_ARGUMENT, narrow)
    )
    return first_fault(none, _fault(~(is_inside & is_small), OUT_OF_RANGE, outside))


def first_fault(first, second):
    """Returns the first of two pairs of status and message that reports a fault."""
    is_first = tf.not_equal(first[0], GOOD)
    return tf.where(is_first, first[0], second[0]), tf.where(is_first, first[1], second[1])


def _size_fault(size, length):
    """Returns the status and message for a file of a size in pixels and a length in bytes."""
    width, height = size[0], size[1]
    most = int(limit(MAX_MEGAPIXELS) * 1e6)
    likely = tf.maximum(tf.constant(SMALL_PICTURE, tf.int64), PIXELS_A_BYTE * length)
    # A product of what a PNG file claims, two numbers of 32 bits, may not fit into 64 with a sign.
    pixels = tf.cast(width, tf.float64) * tf.cast(height, tf.float64)
    is_large = pixels > tf.cast(tf.minimum(tf.constant(most, tf.int64), likely), tf.float64)
    claims = [
        f"encoded: expected photographs of at most {most:,} pixels, and {PIXELS_A_BYTE} a byte of "
        "the file, received width and height ",
        _numbers(size),
        " in ",
        tf.strings.as_string(length),
        " bytes",
    ]
    return _fault(is_large, INVALID_ARGUMENT, claims)


def _fault(is_wrong, status, message):
    """Returns the status and message where something is wrong, else 0 and the empty string."""
    status = tf.where(is_wrong, status, GOOD)
    return status, tf.where(is_wrong, tf.strings.join(message), "")


def _numbers(values):
    """Returns numbers `(..., n)` as text, separated by commas."""
    text = tf.strings.as_string(values, shortest=values.dtype.is_floating)
    return tf.strings.reduce_join(text, axis=-1, separator=", ")
