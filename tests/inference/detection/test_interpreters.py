"""Interpreters are kept, and no two threads use the same one at a time."""

import pytest

from keras_3dmmstn.inference.detection.interpreters import Interpreters


def test_they_are_kept_for_a_few_shapes_and_used_by_one_at_a_time():
    interpreters = Interpreters("yunet.tflite")
    shapes = [(1, 33 + 32 * k, 33, 3) for k in range(6)]
    with interpreters.of_shape(shapes[0]) as first, interpreters.of_shape(shapes[0]) as second:
        assert first is not second
    with interpreters.of_shape(shapes[0]) as again:
        assert again in (first, second)
    for shape in shapes:
        with interpreters.of_shape(shape) as interpreter:
            assert tuple(interpreter.get_input_details()[0]["shape"]) == shape
    with interpreters.of_shape(shapes[0]) as new:
        assert new not in (first, second)


def test_one_that_failed_is_given_back():
    interpreters = Interpreters("yunet.tflite")
    with pytest.raises(RuntimeError), interpreters.of_shape((1, 33, 33, 3)) as first:
        raise RuntimeError
    with interpreters.of_shape((1, 33, 33, 3)) as again:
        assert again is first
