import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving import encoded_photographs
from keras_3dmmstn.inference import boxes
from keras_3dmmstn.inference.photograph import warp
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


def test_a_jpeg_is_decoded_to_rgb(image):
    difference = encoded_photographs.decode(encoded(image, ".jpg")).numpy().astype(int) - image
    assert np.abs(difference).mean() < 5


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_file_of_too_many_pixels_is_refused_before_it_is_decoded(ending, image, monkeypatch):
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_MEGAPIXELS", "0.0107")
    refused = r"at most 10,700 pixels(?s:.)*120\n90\n"
    with pytest.raises(tf.errors.InvalidArgumentError, match=refused):
        encoded_photographs.decode(encoded(image, ending))


def test_a_small_file_that_claims_a_huge_picture_is_refused():
    claimed = bytearray(encoded(np.zeros((8, 8, 3), np.uint8)))
    claimed[16:24] = (10_000).to_bytes(4, "big") * 2
    refused = r"256 a byte of the file(?s:.)*10000\n10000\n"
    with pytest.raises(tf.errors.InvalidArgumentError, match=refused):
        encoded_photographs.decode(bytes(claimed))


@pytest.mark.parametrize("length", [8, 20, 60])
@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_file_that_was_cut_off_is_refused(ending, length, image):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"PNG|JPEG|jpeg"):
        encoded_photographs.decode(encoded(image, ending)[:length])


def test_the_square_of_a_face_is_that_of_the_framing():
    box = np.array([10.5, 20.0, 70.0, 44.0], np.float32)
    expected = framing.crop_square(box)
    np.testing.assert_allclose(
        encoded_photographs.face_square(tf.constant(box)), expected, rtol=1e-6
    )


@pytest.mark.parametrize("shape", [(90, 120), (120, 90)])
def test_the_middle_square_is_the_largest(shape):
    x, y, side = encoded_photographs.middle_square(tf.zeros((*shape, 3))).numpy()
    assert side == 90
    assert (y, x) == ((shape[0] - 1) / 2, (shape[1] - 1) / 2)


def test_a_crop_is_that_of_the_normaliser(image):
    # Enlarged by 3.1 where both are plain bilinear; OpenCV rounds its weights to 1/32.
    box = np.array([40.3, 20.7, 62.0, 42.5], np.float32)
    square = encoded_photographs.face_square(tf.constant(box))
    crop = encoded_photographs.cut_square(tf.constant(image), square, 112).numpy()
    expected = warp(image, framing.crop_matrix(box, 112), 112)
    assert np.abs(crop - expected).max() < 255 / 32
    assert np.abs(crop - expected).mean() < 1


def test_outside_the_photograph_a_crop_is_black(image):
    crop = encoded_photographs.cut_square(
        tf.constant(image), tf.constant([0.0, 0.0, 40.0]), 40
    ).numpy()
    assert np.all(crop[:19] == 0) and np.all(crop[:, :19] == 0)
    # Pixel 21 of the crop is in the middle of four of the photograph.
    np.testing.assert_allclose(crop[21, 21], image[1:3, 1:3].mean((0, 1)), atol=1e-3)


def test_shrinking_averages():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    crop = encoded_photographs.cut_square(tf.constant(stripes), tf.constant([31.5, 31.5, 64.0]), 16)
    np.testing.assert_allclose(crop[:, 2:-2], 100, atol=15)


def test_a_file_of_another_kind_is_named_by_its_place(image):
    good = encoded(image)
    for bad in (b"", b"GIF89a", b"\x89PNG"):
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)JPEG or PNG.*\b1\b"):
            encoded_photographs.checked_encoded(tf.constant([good, bad, good]))
    encoded_photographs.checked_encoded(tf.constant([good, encoded(image, ".jpg")]))


def test_no_files_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one"):
        encoded_photographs.checked_encoded(tf.zeros((0,), tf.string))


@pytest.mark.parametrize("bad", [[5, 0, 5, 9], [0, 9, 5, 3], [0, 0, np.nan, 5], [0, 0, np.inf, 5]])
def test_a_box_that_is_none_is_named_by_its_place(bad):
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)x0 < x1.*\b1\b"):
        encoded_photographs.checked_boxes(tf.constant([[0, 0, 5, 5], bad], tf.float32))


@pytest.mark.parametrize(
    "box",
    [
        [-50, 10, 0, 60],
        [10, -50, 60, 0],
        [119, 10, 150, 60],
        [10, 89, 60, 120],
        [-600, 10, 601, 60],
        [10, 10, 1e30, 60],
    ],
)
def test_a_box_outside_its_photograph_is_refused_as_by_the_normaliser(box, image):
    box = np.array(box, np.float32)
    with pytest.raises(ValueError, match=r"lies outside|times as large"):
        boxes.checked_boxes([box], image)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"(?s)within its photograph.*120\.0, 90\.0"
    ):
        encoded_photographs.checked_in_image(tf.constant(box), tf.constant(image))


@pytest.mark.parametrize("box", [[-50, -40, 0.5, 0.5], [118.5, 88.5, 160, 99], [0, -600, 90, 600]])
def test_a_box_that_reaches_out_of_its_photograph_is_taken(box, image):
    box = np.array(box, np.float32)
    assert len(boxes.checked_boxes([box], image)) == 1
    same = encoded_photographs.checked_in_image(tf.constant(box), tf.constant(image))
    np.testing.assert_array_equal(same, image)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.full((1, 8, 8, 3), 300.0), "0..255"),
        (np.full((1, 8, 8, 3), -1.0), "0..255"),
        (np.full((1, 8, 8, 3), np.nan), "finite"),
        (np.full((1, 8, 8, 3), 0.5), "received 0..1"),
        (np.full((1, 9, 8, 3), 50.0), r"expected shape \(batch, 8, 8, 3\)"),
        (np.full((1, 8, 8, 1), 50.0), r"expected shape \(batch, 8, 8, 3\)"),
        (np.zeros((0, 8, 8, 3)), "at least one"),
    ],
)
def test_images_of_another_shape_or_range_are_refused(image, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        encoded_photographs.checked_images(tf.constant(image, tf.float32), 8)


def test_black_images_and_one_value_that_is_not_finite_are_told_apart():
    image = np.zeros((2, 8, 8, 3), np.float32)
    encoded_photographs.checked_images(tf.constant(image), 8)
    image[1, 3, 3, 1] = np.nan
    image[0, 0, 0, 0] = 255
    with pytest.raises(tf.errors.InvalidArgumentError, match="finite"):
        encoded_photographs.checked_images(tf.constant(image), 8)
