"""Gradient energy of pictures on surfaces where it is known."""

import numpy as np
import pytest

from keras_3dmmstn.inference.fusion.local_contrast import local_contrast
from keras_3dmmstn.inference.fusion.sharpness import gradient_energy


def grey(values):
    return np.repeat(values[..., None], 3, axis=-1).astype(np.uint8)


def flat_surface(rows, columns, width, height):
    """Flat, width × height mm, sheared so that its axes are not at right angles."""
    row, column = np.indices((rows, columns))
    u, v = column / (columns - 1), row / (rows - 1)
    return np.stack([width * u, height * v + 0.5 * width * u, 0 * u], axis=-1)


def test_a_ramp_has_the_square_of_its_slope():
    # 2 grey levels a column and 3 a row, on texels of 1 mm: along x and y of the sheared surface
    # the slopes are 2 − 3 / 2 and 3.
    row, column = np.indices((30, 40))
    surface = flat_surface(30, 40, 39.0, 29.0)
    sharp = gradient_energy(grey(2 * column + 3 * row), np.ones((30, 40), bool), surface)
    assert sharp.energy == pytest.approx(0.5**2 + 3**2)
    variance = (2 * column + 3 * row).var()
    assert sharp.relative_energy == pytest.approx(9.25 / variance)


def test_neither_size_nor_layout_matters():
    def measured(size, bend):
        u, v = np.meshgrid(*[np.linspace(0, 1, size)] * 2)
        x = 60 * u**bend
        picture = np.repeat((120 + 80 * np.sin(x / 6) * np.cos(50 * v / 7))[..., None], 3, axis=-1)
        surface = np.stack([x, 50 * v, 0.2 * x**1.5], axis=-1)
        return gradient_energy(picture, np.ones((size, size), bool), surface)

    expected = measured(512, 1.0)
    for size, bend in ((256, 1.0), (512, 1.3)):
        for ours, theirs in zip(measured(size, bend), expected, strict=True):
            assert ours == pytest.approx(theirs, rel=0.03)


def test_contrast_counts_in_the_energy_and_not_in_the_relative_one():
    values = 20 * np.sin(np.indices((40, 40))[1] / 3)
    surface, mask = flat_surface(40, 40, 30.0, 30.0), np.ones((40, 40), bool)
    low, high = (gradient_energy(grey(100 + gain * values), mask, surface) for gain in (1, 3))
    assert high.energy == pytest.approx(9 * low.energy, rel=0.1)
    assert high.relative_energy == pytest.approx(low.relative_energy, rel=0.1)


def test_only_what_the_mask_shows_counts():
    mask = np.zeros((20, 20), bool)
    mask[:, :8] = True
    values = np.where(np.indices((20, 20))[1] > 9, 200, 90)
    sharp = gradient_energy(grey(values), mask, flat_surface(20, 20, 19.0, 19.0))
    assert sharp == (0, 0)


def test_local_contrast_does_not_depend_on_light(rng):
    picture, mask = rng.uniform(20, 200, (64, 64, 3)), np.ones((64, 64), bool)
    mask[:, 50:] = False
    even = local_contrast(picture, mask, 32, 0.1)
    assert even.shape == (32, 32) and not even[:, 26:].any()
    seen = even[:, :24]
    assert abs(seen.mean()) < 0.1
    np.testing.assert_allclose(local_contrast(picture * 0.5 + 40, mask, 32, 0.1), even, atol=0.02)
