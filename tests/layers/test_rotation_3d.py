import numpy as np
import pytest

from keras_3dmmstn.layers import Rotation3D
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    points, rotation = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 3, 3))
    assert_keeps_layer_contract(
        Rotation3D(), points, rotation, output_shape=(2, 5, 3), folder=tmp_path
    )


def test_each_shape_is_turned_by_its_own_matrix(rng):
    points, rotation = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 3, 3))
    turned = Rotation3D()(points, rotation)
    for one, x, matrix in zip(turned, points, rotation, strict=True):
        np.testing.assert_allclose(one, naive.rotate_points(x, matrix), atol=1e-5)


@pytest.mark.parametrize(
    ("points_shape", "rotation_shape"),
    [((2, 5, 2), (2, 3, 3)), ((2, 3), (2, 3, 3)), ((2, 5, 3), (2, 3)), ((2, 5, 3), (2, 3, 4))],
)
def test_rejects_shapes_that_do_not_fit(points_shape, rotation_shape):
    with pytest.raises(ValueError, match=r"Rotation3D expects .* received shapes"):
        Rotation3D()(np.zeros(points_shape), np.zeros(rotation_shape))
