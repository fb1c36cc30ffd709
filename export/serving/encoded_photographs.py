"""Encoded photographs in a TensorFlow graph: decoding, and the squares that the network sees."""

import tensorflow as tf

from keras_3dmmstn.inference.boxes import LARGEST_BOX
from keras_3dmmstn.inference.picture_size import PIXELS_A_BYTE, SMALL_PICTURE
from keras_3dmmstn.network.framing import CROP_TO_BOX
from keras_3dmmstn.outside_files import MAX_MEGAPIXELS, limit

_LARGEST_LEVEL = 255


def decode(encoded):
    """Decodes one JPEG or PNG file.

    The pixels are as they are stored: an orientation in EXIF is not applied. Grey images get three
    equal channels, transparency is dropped and 16-bit images are reduced to 8. A file that claims
    more pixels than `inference.picture_size` admits is refused before it is decoded; the
    environment variable counts where the graph is made.

    Args:
        encoded: scalar string tensor.

    Returns:
        `(height, width, 3)` uint8 tensor, RGB.
    """
    image = tf.io.decode_image(_checked_size(encoded), channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def checked_encoded(encoded):
    """Stops unless every string begins as a JPEG or PNG file does, and says which does not.

    Args:
        encoded: `(batch,)` string tensor, at least one.

    Returns:
        The same.
    """
    # A regular expression would want UTF-8.
    jpeg = tf.equal(_first_bytes(encoded, 3), b"\xff\xd8\xff")
    png = tf.equal(_first_bytes(encoded, 8), b"\x89PNG\r\n\x1a\n")
    strange = tf.reshape(tf.where(~(jpeg | png)), (-1,))
    expected = "encoded: expected JPEG or PNG files, received others at these places of the batch:"
    checks = [
        _not_empty(encoded, "encoded"),
        tf.debugging.Assert(tf.equal(tf.size(strange), 0), [expected, strange]),
    ]
    # Whatever follows, decoding above all, waits for the checks.
    with tf.control_dependencies(checks):
        return tf.identity(encoded)


def checked_boxes(boxes):
    """Stops unless boxes `(batch, 4)` are x0 < x1, y0 < y1, and says which are not."""
    sides = boxes[:, 2:] - boxes[:, :2]
    good = tf.reduce_all(tf.math.is_finite(boxes), axis=1) & tf.reduce_all(sides > 0, axis=1)
    strange = tf.reshape(tf.where(~good), (-1,))
    expected = "boxes: expected x0 < x1, y0 < y1, received others at these places of the batch:"
    check = tf.debugging.Assert(tf.equal(tf.size(strange), 0), [expected, strange])
    with tf.control_dependencies([check]):
        return tf.identity(boxes)


def checked_in_image(box, image):
    """Stops unless a box is that of a face in a photograph, as `inference.boxes` says it.

    Args:
        box: `(4,)` float32 tensor x0, y0, x1, y1.
        image: `(height, width, 3)` tensor.

    Returns:
        The same image.
    """
    size = tf.cast(tf.shape(image)[1::-1], tf.float32)  # width, height
    is_inside = tf.reduce_all(box[2:] > 0) & tf.reduce_all(box[:2] < size - 1)
    is_small = tf.reduce_max(box[2:] - box[:2]) <= LARGEST_BOX * tf.reduce_max(size)
    expected = (
        "boxes: expected the box of a face within its photograph, at most "
        f"{LARGEST_BOX} times as large, received"
    )
    data = [expected, box, "in one of width and height", size]
    with tf.control_dependencies([tf.debugging.Assert(is_inside & is_small, data, summarize=4)]):
        return tf.identity(image)


def checked_images(images, image_size):
    """Stops unless images are `(batch, image_size, image_size, 3)` with levels in 0..255.

    Levels in 0..1 are refused, too, in any image of the batch: one with nothing above 1 would be
    all but black.

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


def middle_square(image):
    """Returns centre (x, y) and side, in pixels, of the largest square in the middle of an image.

    Args:
        image: `(height, width, 3)` tensor.

    Returns:
        `(3,)` float32 tensor.
    """
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    return tf.stack([(size[1] - 1) / 2, (size[0] - 1) / 2, tf.reduce_min(size)])


def face_square(box):
    """Returns the square for a face, as `framing.crop_square` does, `(4,)` -> `(3,)`."""
    side = CROP_TO_BOX * tf.reduce_max(box[2:] - box[:2])
    return tf.concat([(box[:2] + box[2:]) / 2, side[None]], axis=0)


def cut_square(image, square, image_size):
    """Cuts a square out of an image and scales it; averages where that makes it smaller.

    Args:
        image: `(height, width, 3)` uint8 tensor.
        square: `(3,)` centre (x, y) and side in pixels of the image, pixel centres at integers.
        image_size: side of the result in pixels.

    Returns:
        `(image_size, image_size, 3)` float32 tensor. Outside the image is 0.
    """
    scale = image_size / square[2]
    # ScaleAndTranslate counts from the image's edge, half a pixel before the first centre.
    translation = image_size / 2 - scale * (square[:2] + 0.5)
    crop = tf.raw_ops.ScaleAndTranslate(
        images=image[None],  # as bytes: a large photograph takes four times that as float32
        size=(image_size, image_size),
        scale=tf.stack([scale, scale]),
        translation=translation[::-1],  # y, x
        kernel_type="triangle",
        antialias=True,
    )
    return tf.clip_by_value(crop[0], 0, _LARGEST_LEVEL)


def _checked_size(encoded):
    """Stops if a file claims too many pixels, or too many for its bytes; returns the file."""
    width, height = tf.unstack(
        tf.cond(
            tf.equal(_first_bytes(encoded, 3), b"\xff\xd8\xff"),
            lambda: tf.io.extract_jpeg_shape(encoded, tf.int64)[1::-1],
            lambda: _png_size(encoded),
        )
    )
    most = int(limit(MAX_MEGAPIXELS) * 1e6)
    length = tf.cast(tf.strings.length(encoded), tf.int64)
    likely = tf.maximum(tf.constant(SMALL_PICTURE, tf.int64), PIXELS_A_BYTE * length)
    expected = (
        f"encoded: expected photographs of at most {most:,} pixels, and {PIXELS_A_BYTE} a byte of "
        "the file, received width, height and bytes"
    )
    data = [expected, width, height, length]
    check = tf.debugging.Assert((width * height <= most) & (width * height <= likely), data)
    with tf.control_dependencies([check]):
        return tf.identity(encoded)


def _png_size(encoded):
    """Returns width and height of a PNG file, the numbers at bytes 16 and 20, big-endian."""
    header = tf.io.decode_raw(_first_bytes(encoded, 24), tf.uint8, fixed_length=24)
    digits = tf.reshape(tf.cast(header[16:], tf.int64), (2, 4))
    return tf.reduce_sum(digits * [1 << 24, 1 << 16, 1 << 8, 1], axis=1)


def _first_bytes(encoded, count):
    """Returns the first bytes of each string; strings may be shorter."""
    lengths = tf.minimum(tf.strings.length(encoded), count)
    return tf.strings.substr(encoded, tf.zeros_like(lengths), lengths)


def _not_empty(batch, name):
    """Stops unless there is at least one element; returns the check."""
    count = tf.shape(batch)[0]
    return tf.debugging.assert_positive(
        count, f"{name}: expected at least one, received an empty batch."
    )
