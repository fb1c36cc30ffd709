import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.layers import MorphableModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((12, 10))


def test_contract(rng, tmp_path, grid_model):
    assert_keeps_layer_contract(
        MorphableModel(grid_model),
        rng.normal(size=(2, grid_model.modes)),
        output_shape=(2, 120, 3),
        folder=tmp_path,
    )


def test_makes_the_shape_of_the_paper(rng, grid_model):
    alpha = rng.normal(size=grid_model.modes)
    expected = naive.shape_from_coefficients(alpha, grid_model.mean, grid_model.basis)
    # Positions of about 100 mm in float32.
    np.testing.assert_allclose(MorphableModel(grid_model)(alpha[None])[0], expected, atol=1e-4)


def test_is_fixed_unless_asked_to_train(grid_model):
    layer = MorphableModel(grid_model)
    layer(np.zeros((1, grid_model.modes)))
    assert layer.trainable_weights == []
    assert [weight.name for weight in layer.non_trainable_weights] == ["mean", "basis"]


def test_trains_mean_and_basis_when_asked(rng, grid_model):
    layer = MorphableModel(grid_model, trainable=True)
    alpha = tf.constant(rng.normal(size=(2, grid_model.modes)), tf.float32)
    cotangent = tf.constant(rng.normal(size=(2, 120, 3)), tf.float32)
    with tf.GradientTape() as tape:
        shape = layer(alpha)
    assert [weight.name for weight in layer.trainable_weights] == ["mean", "basis"]
    to_mean, to_basis = tape.gradient(shape, [w.value for w in layer.trainable_weights], cotangent)
    np.testing.assert_allclose(to_mean, np.sum(cotangent, axis=0), atol=1e-5)
    to_basis_expected = np.einsum("bk,bnx->knx", alpha, cotangent)
    np.testing.assert_allclose(to_basis, to_basis_expected, atol=1e-5)


def test_can_be_switched_between_fixed_and_trained(grid_model):
    layer = MorphableModel(grid_model)
    layer(np.zeros((1, grid_model.modes)))
    layer.trainable = True
    assert len(layer.trainable_weights) == 2
    layer.trainable = False
    assert layer.trainable_weights == []


@pytest.mark.parametrize("trainable", [False, True])
def test_fit_changes_the_model_only_if_it_is_trainable(rng, grid_model, trainable):
    layer = MorphableModel(grid_model, trainable=trainable)
    alpha = keras.Input((grid_model.modes,))
    # A second layer gives the optimizer something to train in either case.
    model = keras.Model(alpha, layer(keras.layers.Dense(grid_model.modes)(alpha)))
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(rng.normal(size=(4, grid_model.modes)), rng.normal(size=(4, 120, 3)), verbose=0)
    changed = [not np.array_equal(b, a) for b, a in zip(before, layer.get_weights(), strict=True)]
    assert changed == [trainable, trainable]


def test_config_holds_sizes_and_no_model_data(grid_model):
    config = MorphableModel(grid_model, trainable=True).get_config()
    assert config["grid_model"] == [120, grid_model.modes]
    assert config["trainable"] is True
    assert len(json.dumps(config)) < 500


def test_can_be_made_from_sizes_and_filled_later(rng, grid_model):
    alpha = rng.normal(size=(2, grid_model.modes))
    source, layer = MorphableModel(grid_model), MorphableModel((120, grid_model.modes))
    expected = source(alpha)
    assert layer(keras.Input((grid_model.modes,))).shape == (None, 120, 3)
    layer.set_weights(source.get_weights())
    np.testing.assert_array_equal(layer(alpha), expected)


def test_mean_and_basis_survive_saving(tmp_path, grid_model):
    alpha = keras.Input((grid_model.modes,))
    keras.Model(alpha, MorphableModel(grid_model, name="face")(alpha)).save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras").get_layer("face")
    np.testing.assert_array_equal(loaded.mean, grid_model.mean)
    np.testing.assert_array_equal(loaded.basis, grid_model.basis)
    assert not loaded.trainable


def test_a_trainable_model_is_trainable_after_loading(tmp_path, grid_model):
    alpha = keras.Input((grid_model.modes,))
    layer = MorphableModel(grid_model, trainable=True, name="face")
    keras.Model(alpha, layer(alpha)).save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras").get_layer("face")
    assert len(loaded.trainable_weights) == 2


@pytest.mark.parametrize("shape", [(2, 5), (2, 1, 6), (6,)])
def test_rejects_coefficients_that_do_not_fit(grid_model, shape):
    with pytest.raises(ValueError, match=r"of shape \(batch, 6\), received shape"):
        MorphableModel(grid_model)(np.zeros(shape))


@pytest.mark.parametrize("depth", [1, 2])
def test_a_model_around_it_freezes_it_and_never_thaws_it(rng, grid_model, depth):
    layer, alpha = MorphableModel(grid_model), keras.Input((grid_model.modes,))
    model = keras.Model(alpha, layer(keras.layers.Dense(grid_model.modes)(alpha)))
    for _ in range(depth - 1):
        model = keras.Sequential([model])
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    assert [weight.name for weight in model.trainable_weights] == ["kernel", "bias"]
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(rng.normal(size=(4, grid_model.modes)), rng.normal(size=(4, 120, 3)), verbose=0)
    for value, expected in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_model_around_it_gives_a_trained_one_its_switch_back(grid_model):
    layer, alpha = MorphableModel(grid_model), keras.Input((grid_model.modes,))
    model = keras.Model(alpha, layer(alpha))
    layer.trainable = True
    for value, expected in ((False, 0), (True, 2), (False, 0), (True, 2)):
        model.trainable = value
        assert len(model.trainable_weights) == expected
    layer.trainable = False
    model.trainable = True
    assert model.trainable_weights == []


def test_switches_hold_in_clones_and_files(tmp_path, grid_model):
    for trainable in (False, True):
        layer, alpha = MorphableModel(grid_model, name="face"), keras.Input((grid_model.modes,))
        layer.trainable = trainable
        model = keras.Model(alpha, layer(alpha))
        model.save(tmp_path / "m.keras")
        for other in (
            keras.models.clone_model(model),
            keras.models.load_model(tmp_path / "m.keras"),
        ):
            other.trainable = True
            assert len(other.trainable_weights) == 2 * trainable
