import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving import encoded_photographs
from keras_3dmmstn.inference.photograph import decoded_photograph, warp
from keras_3dmmstn.network import framing


def encoded(image, ending=".png"):
    return cv2.imencode(ending, image[..., ::-1] if image.ndim == 3 else image)[1].tobytes()


@pytest.fixture
def image(rng):
    small = rng.integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(small, (120, 90), interpolation=cv2.INTER_CUBIC)


def test_a_png_is_decoded_to_rgb(image):
    np.testing.assert_array_equal(encoded_photographs.decode(encoded(image)), image)


def test_a_grey_file_gets_three_channels(image):
    grey = image[..., 0]
    np.testing.assert_array_equal(
        encoded_photographs.decode(encoded(grey)), np.repeat(grey[..., None], 3, 2)
    )


def test_a_jpeg_is_decoded_to_the_pixels_of_the_package(image):
    file = encoded(image, ".jpg")
    expected = decoded_photograph(file)
    assert np.abs(expected.astype(int) - image).mean() < 5
    np.testing.assert_array_equal(encoded_photographs.decode(file), expected)


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_the_header_claims_the_size(ending, image):
    assert encoded_photographs.claimed_size(encoded(image, ending)).numpy().tolist() == [120, 90]


@pytest.mark.parametrize("length", [8, 20, 60])
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_file_that_was_cut_off_is_refused(ending, length, image):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"PNG|JPEG|jpeg"):
        encoded_photographs.decode(encoded(image, ending)[:length])


def test_the_square_of_a_face_is_that_of_the_framing():
    box = np.array([10.5, 20.0, 70.0, 44.0], np.float32)
    expected = framing.crop_square(box)
    np.testing.assert_allclose(
        encoded_photographs.face_squares(tf.constant(box)), expected, rtol=1e-6
    )


@pytest.mark.parametrize("shape", [(90, 120), (120, 90)])
def test_the_middle_square_is_the_largest(shape):
    x, y, side = encoded_photographs.middle_square(tf.zeros((*shape, 3))).numpy()
    assert side == 90
    assert (y, x) == ((shape[0] - 1) / 2, (shape[1] - 1) / 2)


@pytest.mark.parametrize("size", [112, 30, 22, 15, 11, 7])
def test_a_crop_is_that_of_the_normaliser(size, image):
    """Enlarged, or made smaller by 1.2 to 5.3: from 2 on, blocks of pixels are averaged first."""
    box = np.array([40.3, 20.7, 62.0, 42.5], np.float32)
    square = encoded_photographs.face_squares(tf.constant(box))
    crop = encoded_photographs.cut_square(tf.constant(image), square, size).numpy()
    expected = warp(image, framing.crop_matrix(box, size), size)
    # Both round to whole levels; older versions of OpenCV round their weights to 1/32, too.
    assert np.abs(crop - expected).max() < 255 / 32
    assert np.abs(crop - expected).mean() < 0.3


def test_outside_the_photograph_a_crop_is_black(image):
    crop = encoded_photographs.cut_square(
        tf.constant(image), tf.constant([0.0, 0.0, 40.0]), 40
    ).numpy()
    assert np.all(crop[:19] == 0) and np.all(crop[:, :19] == 0)
    # Pixel 21 of the crop is in the middle of four of the photograph.
    # Levels are whole.
    np.testing.assert_allclose(crop[21, 21], image[1:3, 1:3].mean((0, 1)), atol=0.5)


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    crop = encoded_photographs.cut_square(tf.constant(stripes), tf.constant([31.5, 31.5, 64.0]), 16)
    np.testing.assert_allclose(crop[:, 2:-2], 100, atol=15)
