"""Checks in a TensorFlow graph that refuse a whole request."""

import tensorflow as tf

_LARGEST_LEVEL = 255

#: The most boxes for one photograph. A box takes 16 bytes, and the crop that it asks for 600 kB.
MOST_BOXES = 64


def checked_images(images, image_size):
    """Raises unless images are `(batch, image_size, image_size, 3)` with levels in 0..255.

    Levels in 0..1 are also refused, in any image of the batch: one with nothing above 1 would be
    almost black.

    Returns:
        The same images.
    """
    # A server does not compare a request's shape with the signature's, and TensorFlow would take
    # the static shape for granted: it is forgotten here, so that the check is kept.
    seen = tf.raw_ops.PlaceholderWithDefault(input=images, shape=(None, None, None, None))
    side = (image_size, image_size, 3)
    message = f"image: expected shape (batch, {image_size}, {image_size}, 3)."
    checks = [
        _not_empty(seen, "image"),
        tf.debugging.assert_equal(tf.shape(seen)[1:], side, message),
    ]
    lowest, highest = tf.reduce_min(seen), tf.reduce_max(seen)
    in_range = (lowest >= 0) & (highest <= _LARGEST_LEVEL) & tf.reduce_all(tf.math.is_finite(seen))
    expected = "image: expected finite levels in 0..255, received"
    with tf.control_dependencies(checks):
        checks = [tf.debugging.Assert(in_range, [expected, lowest, "to", highest])]
    of_each = tf.reduce_max(seen, axis=(1, 2, 3))
    dark = tf.reshape(tf.where(~(tf.equal(of_each, 0) | (of_each > 1))), (-1,))
    expected = "image: expected levels in 0..255, received 0..1 at these places of the batch:"
    largest = "the largest of them being"
    data = [expected, dark, largest, tf.reduce_max(tf.gather(of_each, dark))]
    with tf.control_dependencies(checks):
        checks = [tf.debugging.Assert(tf.equal(tf.size(dark), 0), data)]
    with tf.control_dependencies(checks):
        return tf.identity(images)


def checked_photographs(encoded):
    """Raises unless encoded photographs are `(batch,)`, at least one; returns them."""
    # As for images, the static shape is forgotten, so that the checks are kept.
    seen = tf.raw_ops.PlaceholderWithDefault(input=encoded, shape=None)
    message = "encoded: expected shape (batch,)."
    with tf.control_dependencies([tf.debugging.assert_rank(seen, 1, message)]):
        checks = [_not_empty(seen, "encoded")]
    with tf.control_dependencies(checks):
        return tf.ensure_shape(tf.identity(encoded), (None,))


def checked_box_shape(boxes, encoded):
    """Raises unless boxes are `(batch, ..., 4)` with the batch size of the photographs.

    Args:
        boxes: tensor of known rank, 2 or 3; with rank 3, at most `MOST_BOXES` per photograph.
        encoded: `(batch,)` string tensor.

    Returns:
        The same boxes.
    """
    seen = tf.raw_ops.PlaceholderWithDefault(input=boxes, shape=[None] * boxes.shape.rank)
    received = tf.shape(seen)
    expected = tf.concat([tf.shape(encoded), received[1:-1], [4]], axis=0)
    data = ["boxes: expected shape", expected, "received", received]
    checks = [tf.debugging.Assert(tf.reduce_all(tf.equal(received, expected)), data)]
    count = tf.reduce_prod(received[1:-1])
    data = [f"boxes: expected at most {MOST_BOXES} for each photograph, received", count]
    checks.append(tf.debugging.Assert(count <= MOST_BOXES, data))
    with tf.control_dependencies(checks):
        return tf.identity(boxes)


def _not_empty(batch, name):
    """Raises unless there is at least one element; returns the check."""
    count = tf.shape(batch)[0]
    return tf.debugging.assert_positive(
        count, f"{name}: expected at least one, received an empty batch."
    )
