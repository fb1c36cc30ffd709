"""Textures moved by known shifts."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.fusion.alignment import shift_onto, shifted


def picture(rng, size):
    noise = cv2.GaussianBlur(rng.normal(size=(size, size, 3)), (0, 0), size / 40)
    return (120 + 20 * noise / noise.std()).astype(np.float32)


@pytest.mark.parametrize("size", [96, 256])
def test_a_shift_is_found_whatever_the_light(rng, size):
    reference, seen = picture(rng, size), np.ones((size, size), bool)
    x, y = 0.02 * size, -0.012 * size
    matrix = np.array([[1, 0, x], [0, 1, y]])
    texture = cv2.warpAffine(reference, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)
    shift = shift_onto(0.6 * texture + 30, seen, reference, seen)
    inner = shift[size // 4 : -size // 4, size // 4 : -size // 4]
    np.testing.assert_allclose(inner.mean(axis=(0, 1)), [x, y], rtol=0.15)
    back = shifted(texture, shift)
    middle = np.s_[size // 4 : -size // 4, size // 4 : -size // 4]
    assert (
        np.abs(back - reference)[middle].mean() < 0.3 * np.abs(texture - reference)[middle].mean()
    )


def test_a_texture_in_its_place_stays(rng):
    reference, seen = picture(rng, 128), np.ones((128, 128), bool)
    seen[:, :40] = False
    shift = shift_onto(reference * seen[..., None], seen, reference, seen)
    assert np.abs(shift).max() < 0.1


def test_a_texture_that_shows_nothing_stays(rng):
    reference, seen = picture(rng, 64), np.zeros((64, 64), bool)
    shift = shift_onto(0 * reference, seen, reference, ~seen)
    assert np.isfinite(shift).all() and np.abs(shift).max() < 1e-3


def test_no_shift_is_larger_than_5_percent(rng):
    first, second = picture(rng, 100), picture(rng, 100)
    seen = np.ones((100, 100), bool)
    assert np.abs(shift_onto(first, seen, second, seen)).max() <= 5 + 1e-4


def test_values_come_from_place_plus_shift():
    values = np.arange(30.0, dtype=np.float32).reshape(5, 6)
    shift = np.zeros((5, 6, 2), np.float32)
    shift[..., 0], shift[..., 1] = 1, 2  # x to the right, y down
    moved = shifted(values, shift)
    np.testing.assert_allclose(moved[:3, :5], values[2:, 1:])
    assert not moved[3:].any() and not moved[:, 5].any()
