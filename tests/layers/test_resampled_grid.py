import numpy as np
import pytest

from keras_3dmmstn.layers import ResampledGrid
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points = rng.normal(size=(2, 6, 2))
    assert_keeps_layer_contract(
        ResampledGrid((2, 3)), points, output_shape=(2, 2, 3, 2), folder=tmp_path
    )


def test_points_fill_the_grid_row_by_row():
    points = np.stack([np.arange(6.0), np.zeros(6)], axis=-1)[None]
    grid = ResampledGrid((2, 3))(points)
    np.testing.assert_array_equal(grid[0, :, :, 0], [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("shape", [(2, 5, 2), (2, 6)])
def test_rejects_another_number_of_points(shape):
    with pytest.raises(ValueError, match=r"\(batch, 6, 2\) for its 2 x 3 grid, received shape"):
        ResampledGrid((2, 3))(np.zeros(shape))
