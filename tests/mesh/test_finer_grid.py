"""The texture's plane at another resolution: bilinear, corners to corners."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.finer_grid import interpolate_grid, interpolation_weights, texture_shape


def test_the_grids_own_resolution_returns_the_values():
    values = np.random.default_rng(0).normal(size=(5, 4, 2)).astype(np.float32)
    np.testing.assert_array_equal(interpolate_grid(values, (5, 4)), values)


def test_it_agrees_with_plain_loops():
    values = np.random.default_rng(1).normal(size=(4, 3, 2))
    finer = interpolate_grid(values, (9, 7))
    for row in range(9):
        for column in range(7):
            y, x = row * 3 / 8, column * 2 / 6
            i, j = min(int(y), 2), min(int(x), 1)
            a, b = y - i, x - j
            expected = (
                (1 - a) * (1 - b) * values[i, j] + (1 - a) * b * values[i, j + 1]
                + a * (1 - b) * values[i + 1, j] + a * b * values[i + 1, j + 1]
            )  # fmt: skip
            # Places are rounded to 1/2048 of a cell, across which values change by up to 4.
            np.testing.assert_allclose(finer[row, column], expected, atol=4 / 4096)


def test_weights_sum_to_one_at_any_size():
    for count, grid_count in ((2048, 112), (32, 112), (112, 112), (33, 7)):
        weights = interpolation_weights(count, grid_count)
        np.testing.assert_array_equal(weights.sum(axis=1), 1)
        np.testing.assert_array_equal(weights, weights.astype(np.float16))
        assert (np.count_nonzero(weights, axis=1) <= 2).all()
        assert weights[0, 0] == weights[-1, -1] == 1


def test_a_texture_is_square_or_has_the_shape_of_the_grid():
    assert texture_shape(None, (24, 20)) == (24, 20)
    assert texture_shape(32, (24, 20)) == (32, 32)
    assert texture_shape(np.int64(2048), (24, 20)) == (2048, 2048)


@pytest.mark.parametrize("size", [31, 2049, -112, True, 112.0, "112", (112, 112), np.bool_(True)])
def test_other_sizes_of_a_texture_are_refused(size):
    with pytest.raises(ValueError, match=r"texture size from 32 to 2048 pixels.*received"):
        texture_shape(size, (24, 20))
