"""Values spread over a picture."""

import numpy as np
import pytest

from keras_3dmmstn.inference.view.spreading import spread


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 5), (64, 64), (33, 50)])
@pytest.mark.parametrize("channels", [1, 3])
def test_known_values_stay_and_the_others_are_in_their_range(shape, channels, rng):
    values = rng.uniform(3, 9, (*shape, channels)).astype(np.float32)
    known = rng.random(shape) < 0.3
    known[0, 0] = True
    values[~known] = 1e6
    filled = spread(values, known)
    assert filled.shape == values.shape
    np.testing.assert_array_equal(filled[known], values[known])
    low, high = values[known].min(axis=0), values[known].max(axis=0)
    assert (filled >= low - 1e-3).all() and (filled <= high + 1e-3).all()


def test_between_two_sides_values_go_over_evenly():
    known = np.zeros((64, 65), bool)
    known[:, [0, -1]] = True
    values = np.zeros((64, 65, 1), np.float32)
    values[:, -1] = 1
    ramp = np.linspace(0, 1, 65)
    np.testing.assert_allclose(spread(values, known)[..., 0], np.tile(ramp, (64, 1)), atol=0.05)


def test_a_constant_stays_constant():
    known = np.zeros((50, 40), bool)
    known[20:25, 30:33] = True
    values = np.where(known[..., None], np.float32(5), np.float32(-1))
    np.testing.assert_allclose(spread(values, known), 5, rtol=1e-6)


def test_where_nothing_is_known_there_is_zero():
    assert (spread(np.full((9, 9, 2), 4, np.float32), np.zeros((9, 9), bool)) == 0).all()
