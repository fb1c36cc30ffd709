"""Encoded photographs in a TensorFlow graph: decoding, and the squares that the network sees."""

import tensorflow as tf

from keras_3dmmstn.network.framing import CROP_TO_BOX

_LARGEST_LEVEL = 255


def decode(encoded):
    """Decodes one JPEG or PNG file; raises if it is damaged.

    The pixels are as they are stored: an orientation in EXIF is not applied. Grey images get three
    equal channels, transparency is dropped and 16-bit images are reduced to 8. Check with
    `item_faults.file_fault` first that the file does not claim too many pixels.

    Args:
        encoded: scalar string tensor.

    Returns:
        `(height, width, 3)` uint8 tensor, RGB.
    """
    image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
    return tf.ensure_shape(image, (None, None, 3))


def claimed_size(encoded):
    """Returns width and height that the header of a JPEG or PNG file claims, `(2,)` int64.

    Raises if the header of a JPEG file is damaged; the other may claim anything.
    """
    return tf.cond(
        is_jpeg(encoded),
        lambda: tf.gather(tf.io.extract_jpeg_shape(encoded, tf.int64), [1, 0]),
        lambda: _png_size(encoded),
    )


def is_jpeg(encoded):
    """Says of each string whether it begins as a JPEG file does."""
    # A regular expression would want UTF-8.
    return tf.equal(_first_bytes(encoded, 3), b"\xff\xd8\xff")


def is_png(encoded):
    """Says of each string whether it begins as a PNG file does."""
    return tf.equal(_first_bytes(encoded, 8), b"\x89PNG\r\n\x1a\n")


def middle_square(image):
    """Returns centre (x, y) and side, in pixels, of the largest square in the middle of an image.

    Args:
        image: `(height, width, 3)` tensor.

    Returns:
        `(3,)` float32 tensor.
    """
    size = tf.cast(tf.shape(image)[:2], tf.float32)
    return tf.stack([(size[1] - 1) / 2, (size[0] - 1) / 2, tf.reduce_min(size)])


def face_squares(boxes):
    """Returns the squares for faces, as `framing.crop_square` does, `(..., 4)` -> `(..., 3)`."""
    first, last = boxes[..., :2], boxes[..., 2:]
    side = CROP_TO_BOX * tf.reduce_max(last - first, axis=-1, keepdims=True)
    return tf.concat([(first + last) / 2, side], axis=-1)


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


def _png_size(encoded):
    """Returns width and height of a PNG file, the numbers at bytes 16 and 20, big-endian."""
    header = tf.io.decode_raw(_first_bytes(encoded, 24), tf.uint8, fixed_length=24)
    digits = tf.reshape(tf.cast(header[16:], tf.int64), (2, 4))
    return tf.reduce_sum(digits * [1 << 24, 1 << 16, 1 << 8, 1], axis=1)


def _first_bytes(encoded, count):
    """Returns the first bytes of each string; strings may be shorter."""
    lengths = tf.minimum(tf.strings.length(encoded), count)
    return tf.strings.substr(encoded, tf.zeros_like(lengths), lengths)
