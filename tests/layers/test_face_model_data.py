import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.layers import MorphableModel, SelfOcclusionMask
from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.synthetic import toy_grid_model

FACE = toy_grid_model((16, 16))
ALPHA = np.zeros((1, FACE.modes), "float32")
POINTS, ROTATION = FACE.mean[None].astype("float32"), np.eye(3, dtype="float32")[None]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "mixed_bfloat16"])
def test_a_layer_without_data_says_so_and_a_layer_with_data_works(dtype):
    layer = MorphableModel((256, FACE.modes), dtype=dtype)
    with pytest.raises(ValueError, match=r"'morphable_model.*' expects .* mean and basis are not"):
        layer(ALPHA)
    layer.set_weights([FACE.mean, FACE.basis])
    # A float of 8 bits, at up to 128 mm.
    np.testing.assert_allclose(np.asarray(layer(ALPHA)[0], "float32"), FACE.mean, atol=0.5)


def test_only_what_is_not_set_is_named():
    layer = MorphableModel((256, FACE.modes))
    layer.build((None, FACE.modes))
    layer.mean.assign(FACE.mean)
    with pytest.raises(ValueError, match="received none yet: basis are not set"):
        layer(ALPHA)


def test_a_face_model_of_zeros_is_one_if_it_is_given():
    layer = MorphableModel((256, FACE.modes))
    layer.build((None, FACE.modes))
    layer.set_weights([np.zeros_like(FACE.mean), np.zeros_like(FACE.basis)])
    assert not layer(ALPHA).numpy().any()


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ({"method": "table", "table": (19, 37)}, occlusion_table(FACE)),
        ({"method": "table", "table": (19, 37)}, np.zeros((19, 37, 32), "uint8")),
        ({"rims": True}, np.arange(256, dtype="int32")),
    ],
    ids=["table", "a convex face's table", "rims"],
)
def test_a_mask_without_table_or_rims_says_so(options, data):
    layer = SelfOcclusionMask((16, 16), **options)
    with pytest.raises(ValueError, match=r"SelfOcclusionMask .* expects its data"):
        layer(POINTS, ROTATION)
    layer.set_weights([data])
    assert layer(POINTS, ROTATION).numpy().any()


def test_nothing_is_added_to_a_graph():
    given, loaded = MorphableModel(FACE), MorphableModel((256, FACE.modes))
    for layer in (given, loaded):
        layer.build((None, FACE.modes))
    loaded.set_weights(given.get_weights())
    types = []
    for function in (given, loaded):
        traced = tf.function(function).get_concrete_function(tf.TensorSpec((1, FACE.modes)))
        types.append(sorted(operation.type for operation in traced.graph.get_operations()))
    assert types[0] == types[1]
    assert not {"Assert", "IsNan", "IsFinite", "Equal", "PyFunc", "CheckNumerics"} & set(types[0])


def test_a_layer_that_a_traced_function_makes_has_its_data_or_says_so():
    given, awaiting = MorphableModel(FACE), MorphableModel((256, FACE.modes))
    np.testing.assert_allclose(tf.function(given)(ALPHA)[0], FACE.mean, atol=1e-4)
    with pytest.raises(ValueError, match="expects its data"):
        tf.function(awaiting)(ALPHA)


class Within(keras.layers.Layer):
    """A layer that has ours built only when Keras looks at its `call`."""

    def __init__(self):
        super().__init__()
        self.inner = MorphableModel(FACE)

    def call(self, alpha):
        return self.inner(alpha)


def test_data_survive_that_keras_builds_by_looking_at_a_call():
    alpha = keras.Input((FACE.modes,))
    model = keras.Model(alpha, Within()(alpha))
    np.testing.assert_allclose(model(ALPHA)[0], FACE.mean, atol=1e-4)


def test_a_stateless_call_uses_the_values_that_it_is_given():
    layer = MorphableModel((256, FACE.modes))
    layer.build((None, FACE.modes))
    given = [tf.constant(value, tf.float32) for value in (FACE.mean, FACE.basis)]
    for run in (layer.stateless_call, tf.function(layer.stateless_call)):
        outputs, _ = run([], given, tf.constant(ALPHA))
        np.testing.assert_allclose(outputs[0], FACE.mean, atol=1e-4)
    with pytest.raises(ValueError, match="expects its data"):
        layer(ALPHA)
