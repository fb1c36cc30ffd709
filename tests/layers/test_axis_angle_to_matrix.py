import numpy as np
import pytest

from keras_3dmmstn.layers import AxisAngleToMatrix
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    axis_angle = rng.normal(size=(2, 3))
    assert_keeps_layer_contract(
        AxisAngleToMatrix(), axis_angle, output_shape=(2, 3, 3), folder=tmp_path
    )


def test_makes_the_matrix_of_the_paper():
    axis_angle = np.array([0.3, -0.2, 0.6])
    rotation = AxisAngleToMatrix()(axis_angle[None])[0]
    np.testing.assert_allclose(rotation, naive.rotation_matrix(axis_angle), atol=1e-6)


def test_rejects_vectors_that_are_not_in_3d():
    with pytest.raises(ValueError, match=r"expects `axis_angle` .* received shape \(2, 4\)"):
        AxisAngleToMatrix()(np.zeros((2, 4)))
