import numpy as np
import pytest

from keras_3dmmstn.layers import LogScaleToScale
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    log_scale = rng.normal(size=(2, 1))
    assert_keeps_layer_contract(LogScaleToScale(), log_scale, output_shape=(2, 1), folder=tmp_path)


def test_scale_is_the_exponential_and_positive():
    scale = LogScaleToScale()(np.log([[0.25], [3.0]]))
    np.testing.assert_allclose(scale, [[0.25], [3.0]], rtol=1e-6)
    assert LogScaleToScale()(np.array([[-50.0]])) > 0


@pytest.mark.parametrize("shape", [(2, 2), (2,), (2, 1, 1)])
def test_rejects_more_than_one_scale(shape):
    with pytest.raises(ValueError, match=r"LogScaleToScale expects .* received shape"):
        LogScaleToScale()(np.zeros(shape))
