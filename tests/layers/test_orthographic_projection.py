import numpy as np
import pytest

from keras_3dmmstn.layers import OrthographicProjection
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points = rng.normal(size=(2, 5, 3))
    assert_keeps_layer_contract(
        OrthographicProjection(), points, output_shape=(2, 5, 2), folder=tmp_path
    )


def test_keeps_x_and_y(rng):
    points = rng.normal(size=(2, 5, 3)).astype("float32")
    np.testing.assert_array_equal(OrthographicProjection()(points), points[:, :, :2])


@pytest.mark.parametrize("shape", [(2, 5, 2), (2, 3)])
def test_rejects_points_that_are_not_in_3d(shape):
    with pytest.raises(ValueError, match=r"OrthographicProjection expects .* received shape"):
        OrthographicProjection()(np.zeros(shape))
