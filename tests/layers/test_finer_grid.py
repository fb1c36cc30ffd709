import numpy as np
import pytest

from keras_3dmmstn.layers import FinerGrid
from keras_3dmmstn.mesh.finer_grid import interpolate_grid
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    grid = rng.normal(size=(2, 3, 4, 2))
    assert_keeps_layer_contract(FinerGrid((5, 9)), grid, output_shape=(2, 5, 9, 2), folder=tmp_path)


def test_it_interpolates_as_the_normaliser_does(rng):
    grid = rng.uniform(0, 200, (2, 14, 12, 2)).astype(np.float32)
    finer = FinerGrid((33, 32))(grid)
    for one, expected in zip(finer, grid, strict=True):
        # Four products in another order: eps 6e-8 times 200 pixels, a few times.
        np.testing.assert_allclose(one, interpolate_grid(expected, (33, 32)), atol=1e-4)


@pytest.mark.parametrize("shape", [(2, 12, 2), (2, 3, 4)])
def test_rejects_another_shape(shape):
    with pytest.raises(ValueError, match=r"\(batch, H', W', 2\), received shape"):
        FinerGrid((5, 9))(np.zeros(shape))
