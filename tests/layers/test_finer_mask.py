import numpy as np
import pytest

from keras_3dmmstn.layers import FinerMask
from keras_3dmmstn.mesh.finer_grid import interpolate_grid
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    visible = rng.integers(0, 2, (2, 3, 4, 1))
    assert_keeps_layer_contract(
        FinerMask((5, 9)), visible, output_shape=(2, 5, 9, 1), folder=tmp_path
    )


def test_the_mask_is_that_of_the_normaliser_ties_included(rng):
    # 23 rows over 12: every second texel lies half way between two vertices.
    visible = rng.integers(0, 2, (3, 12, 9, 1)).astype(np.float32)
    finer = FinerMask((23, 40))(visible).numpy()
    for one, vertices in zip(finer, visible, strict=True):
        np.testing.assert_array_equal(one, interpolate_grid(vertices, (23, 40)) >= 0.5)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 2)])
def test_rejects_another_shape(shape):
    with pytest.raises(ValueError, match=r"\(batch, H', W', 1\), received shape"):
        FinerMask((5, 9))(np.zeros(shape))
