import numpy as np
import pytest

from keras_3dmmstn.layers import SplitParameters
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    shapes = ((2, 3), (2, 2), (2, 1), (2, 5))
    assert_keeps_layer_contract(
        SplitParameters(), rng.normal(size=(2, 11)), output_shape=shapes, folder=tmp_path
    )


def test_parts_come_in_the_papers_order():
    r, t, log_s, alpha = SplitParameters()(np.arange(9.0)[None])
    np.testing.assert_array_equal(r, [[0, 1, 2]])
    np.testing.assert_array_equal(t, [[3, 4]])
    np.testing.assert_array_equal(log_s, [[5]])
    np.testing.assert_array_equal(alpha, [[6, 7, 8]])


@pytest.mark.parametrize("shape", [(2, 6), (2, 1, 9)])
def test_rejects_what_is_no_parameter_vector(shape):
    with pytest.raises(ValueError, match=r"SplitParameters expects .* received shape"):
        SplitParameters()(np.zeros(shape))
