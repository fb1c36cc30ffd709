import numpy as np
import pytest

from keras_3dmmstn.layers import VisibilityMasking
from tests.support.layer_contract import assert_keeps_layer_contract


def test_contract(rng, tmp_path):
    texture, visible = rng.uniform(0, 255, (2, 3, 4, 3)), rng.integers(0, 2, (2, 3, 4, 1))
    assert_keeps_layer_contract(
        VisibilityMasking(), texture, visible, output_shape=(2, 3, 4, 3), folder=tmp_path
    )


def test_keeps_the_visible_and_blackens_the_hidden():
    texture = np.arange(1.0, 9.0).reshape(1, 2, 2, 2)
    visible = np.array([[1.0, 0.0], [0.0, 1.0]])[None, :, :, None]
    masked = VisibilityMasking()(texture, visible)
    np.testing.assert_array_equal(masked[0], [[[1, 2], [0, 0]], [[0, 0], [7, 8]]])


@pytest.mark.parametrize(
    ("texture_shape", "visible_shape"),
    [
        ((2, 3, 4), (2, 3, 4, 1)),
        ((2, 3, 4, 3), (2, 3, 4)),
        ((2, 3, 4, 3), (2, 4, 3, 1)),
        ((2, 3, 4, 3), (2, 3, 4, 3)),
    ],
)
def test_rejects_shapes_that_do_not_fit(texture_shape, visible_shape):
    with pytest.raises(ValueError, match=r"VisibilityMasking expects .* received shapes"):
        VisibilityMasking()(np.zeros(texture_shape), np.zeros(visible_shape))
