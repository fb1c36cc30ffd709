import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving import request_checks


def test_no_files_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least one"):
        request_checks.checked_photographs(tf.zeros((0,), tf.string))


def test_files_are_a_list():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match=r"shape \(batch,\)"):
        request_checks.checked_photographs(tf.zeros((2, 1), tf.string))


@pytest.mark.parametrize("shape", [(1, 4), (3, 4), (2, 3)])
def test_boxes_that_do_not_go_with_the_photographs_are_refused(shape):
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match=r"expected shape\D+2\D+4\D+received\D+{}\D+{}".format(*shape),
    ):
        request_checks.checked_box_shape(tf.zeros(shape), tf.constant(["", ""]))


def test_several_boxes_a_photograph_are_as_many_for_each():
    photographs = tf.constant(["", ""])
    assert request_checks.checked_box_shape(tf.zeros((2, 5, 4)), photographs).shape == (2, 5, 4)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"expected shape\D+2\D+5\D+4\D"):
        request_checks.checked_box_shape(tf.zeros((1, 5, 4)), photographs)


def test_more_boxes_than_memory_is_meant_for_are_refused():
    most, photographs = request_checks.MOST_BOXES, tf.constant([""])
    request_checks.checked_box_shape(tf.zeros((1, most, 4)), photographs)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=rf"at most {most} for each photograph\D+{most + 1}"
    ):
        request_checks.checked_box_shape(tf.zeros((1, most + 1, 4)), photographs)


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
        request_checks.checked_images(tf.constant(image, tf.float32), 8)


def test_black_images_and_one_value_that_is_not_finite_are_told_apart():
    image = np.zeros((2, 8, 8, 3), np.float32)
    request_checks.checked_images(tf.constant(image), 8)
    image[1, 3, 3, 1] = np.nan
    image[0, 0, 0, 0] = 255
    with pytest.raises(tf.errors.InvalidArgumentError, match="finite"):
        request_checks.checked_images(tf.constant(image), 8)
