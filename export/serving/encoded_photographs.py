"""Encoded photographs in a TensorFlow graph: decoding, and the squares that the network sees."""

import tensorflow as tf

from keras_3dmmstn.network.framing import CROP_TO_BOX

_LARGEST_LEVEL = 255


def decode(encoded):
    """Decodes one JPEG or PNG file to the pixels that the package reads; raises if it is damaged.

    The pixels are as stored: an EXIF orientation is not applied. Grey images get three
    equal channels, transparency is dropped and 16-bit images are reduced to 8. Check with
    `item_faults.file_fault` first that the file does not claim too many pixels.

    Args:
        encoded: scalar string tensor.

    Returns:
        `(height, width, 3)` uint8 tensor, RGB.
    """
    return tf.cond(
        is_jpeg(encoded),
        # As OpenCV does; what `decode_image` takes for it is off by up to 6 levels.
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(encoded, channels=3),
    )


def claimed_size(encoded):
    """Returns the width and height that the header of a JPEG or PNG file claims, `(2,)` int64.

    Raises if the header of a JPEG file is damaged; a PNG header may claim anything.
    """
    return tf.cond(
        is_jpeg(encoded),
        lambda: tf.gather(tf.io.extract_jpeg_shape(encoded, tf.int64), [1, 0]),
        lambda: _png_size(encoded),
    )


def is_jpeg(encoded):
    """Returns, for each string, whether it begins like a JPEG file."""
    # A regular expression would require UTF-8.
    return tf.equal(_first_bytes(encoded, 3), b"\xff\xd8\xff")


def is_png(encoded):
    """Returns, for each string, whether it begins like a PNG file."""
    return tf.equal(_first_bytes(encoded, 8), b"\x89PNG\r\n\x1a\n")


def middle_square(image):
    """Returns the centre (x, y) and side in pixels of the largest central square of an image.

    Args:
        image: `(height, width, 3)` tensor.

    Returns:
        `(3,)` float32 tensor.
    """
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    return tf.stack([(size[1] - 1) / 2, (size[0] - 1) / 2, tf.reduce_min(size)])


def face_squares(boxes):
    """Returns the squares for face boxes, as `framing.crop_square`, `(..., 4)` -> `(..., 3)`."""
    first, last = boxes[..., :2], boxes[..., 2:]
    side = CROP_TO_BOX * tf.reduce_max(last - first, axis=-1, keepdims=True)
    return tf.concat([(first + last) / 2, side], axis=-1)


def cut_square(image, square, image_size):
    """Cuts a square out of an image and scales it, as `inference.photograph.warp` does.

    If that shrinks it by a factor of 2 or more, blocks of pixels are averaged first.

    Args:
        image: `(height, width, 3)` uint8 tensor.
        square: `(3,)` centre (x, y) and side in pixels of the image, pixel centres at integers.
        image_size: side of the result in pixels.

    Returns:
        `(image_size, image_size, 3)` float32 tensor. Outside the image is 0.
    """
    scale = image_size / square[2]
    block = tf.maximum(tf.floor(1 / scale), 1)  # its side
    # ScaleAndTranslate counts from the image's edge, half a pixel before the first centre.
    corner = square[:2] + 0.5 - square[2] / 2
    first = block * (tf.floor(corner / block) - 1)
    count = tf.cast(tf.math.ceil(square[2] / block), tf.int32) + 3
    # Only what is read: all rows of a large photograph would take too long.
    low = tf.maximum(tf.cast(first, tf.int32), 0)
    high = tf.cast(first, tf.int32) + count * tf.cast(block, tf.int32)
    part = image[low[1] : high[1], low[0] : high[0]]
    before = low - tf.cast(first, tf.int32)
    after = count - before - tf.shape(part)[1::-1]
    blocks = tf.cond(
        tf.equal(block, 1),
        lambda: tf.pad(
            tf.cast(part, tf.float32),
            [[before[1], after[1]], [before[0], after[0]], [0, 0]],
        ),
        lambda: _scaled(part, count, 1 / block, tf.cast(before, tf.float32) / block, "box", True),
    )
    # Whole levels, as OpenCV has them: it rounds halves upwards of 2 × 2 pixels, else to even ones.
    blocks = tf.where(tf.equal(block, 2), tf.floor(blocks + 0.5), tf.round(blocks))
    shift = scale * (first - corner)
    return tf.round(_scaled(blocks, image_size, scale * block, shift, "triangle", False))


def _scaled(image, side, scale, shift, kernel, antialias):
    """Returns the square at the first pixels of an image after scaling and shifting by (x, y)."""
    scaled = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=tf.stack([side, side]),
        scale=tf.stack([scale, scale]),
        translation=shift[::-1],
        kernel_type=kernel,
        antialias=antialias,
    )
    return tf.clip_by_value(scaled[0], 0, _LARGEST_LEVEL)


def _png_size(encoded):
    """Returns the width and height of a PNG file, the big-endian numbers at bytes 16 and 20."""
    header = tf.io.decode_raw(_first_bytes(encoded, 24), tf.uint8, fixed_length=24)
    digits = tf.reshape(tf.cast(header[16:], tf.int64), (2, 4))
    return tf.reduce_sum(digits * [1 << 24, 1 << 16, 1 << 8, 1], axis=1)


def _first_bytes(encoded, count):
    """Returns the first bytes of each string; strings may be shorter."""
    lengths = tf.minimum(tf.strings.length(encoded), count)
    return tf.strings.substr(encoded, tf.zeros_like(lengths), lengths)
