import dataclasses

import keras
import numpy as np
import pytest

from keras_3dmmstn import base_localiser, compact_localiser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import widening
from keras_3dmmstn.network.confidence import with_confidence
from keras_3dmmstn.network.widening import begin_with, widen

SIZE = 140


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 16))


@pytest.fixture(scope="module")
def compact(grid_model):
    """A compact localiser every weight of which matters."""
    localiser = compact_localiser(grid_model, SIZE)
    rng = np.random.default_rng(5)
    for weight in localiser.weights:
        value = rng.normal(0, 0.08, weight.shape)
        if "variance" in weight.path:
            value = np.abs(value) + 0.5
        weight.assign(value + (0.7 if "gamma" in weight.path else 0))
    return localiser


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)


def test_the_wide_network_computes_what_the_narrow_one_did(
    compact, grid_model, images, monkeypatch
):
    monkeypatch.setattr(widening, "_NOISE", 0.0)
    base = base_localiser(grid_model, SIZE)
    before = np.asarray(base(images))
    widen(compact, base)
    expected = np.asarray(compact(images))
    assert np.abs(before - expected).max() > 0.1
    np.testing.assert_allclose(base(images), expected, atol=2e-4)


def test_copies_differ_a_little(compact, grid_model, images):
    base = base_localiser(grid_model, SIZE)
    widen(compact, base)
    kernel = base.get_layer("base").get_layer("block_2_1").kernel.numpy()
    pairs = np.corrcoef(kernel.transpose(2, 0, 1, 3).reshape(88, -1)) - np.eye(88)
    # 88 channels of 48: each of 40 has a copy, and those copies are no longer the same.
    assert (pairs.max(axis=1) > 0.99).sum() == 80
    assert pairs.max() < 1 - 1e-5
    change = np.abs(base(images) - compact(images)).max()
    assert 0 < change < np.abs(compact(images)).max()


def test_the_choice_of_copies_follows_the_seed(compact, grid_model):
    kernels = []
    for seed in (1, 1, 2):
        base = base_localiser(grid_model, SIZE)
        widen(compact, base, seed)
        kernels.append(base.get_layer("base").get_layer("stem_1").kernel.numpy())
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert np.abs(kernels[0] - kernels[2]).max() > 0


def test_a_run_of_base_begins_with_the_weights_of_compact(compact, grid_model, images, tmp_path):
    with_confidence(compact).save(tmp_path / "localiser.keras")
    base, expected = (base_localiser(grid_model, SIZE) for _ in range(2))
    begin_with(base, tmp_path / "localiser.keras")
    widen(compact, expected)
    np.testing.assert_array_equal(base(images), expected(images))


def test_weights_of_the_same_kind_are_taken_as_they_are(compact, grid_model, images, tmp_path):
    compact.save(tmp_path / "localiser.keras")
    other = compact_localiser(grid_model, SIZE)
    begin_with(other, tmp_path / "localiser.keras")
    np.testing.assert_array_equal(other(images), compact(images))


def test_nothing_is_narrowed(compact, grid_model):
    base = base_localiser(grid_model, SIZE)
    before = [np.array(weight) for weight in compact.weights]
    with pytest.raises(ValueError, match="all layers of the narrow one, received one without"):
        widen(base, compact)
    for weight, old in zip(compact.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_fewer_channels_are_refused_before_anything_is_set(compact, grid_model, monkeypatch):
    base = base_localiser(grid_model, SIZE)
    before = [np.array(weight) for weight in base.weights]
    kernel = np.zeros((3, 3, 3, 99), np.float32)
    layer = compact.get_layer("compact").get_layer("stem_1")
    monkeypatch.setattr(layer, "get_weights", lambda: [kernel])
    with pytest.raises(ValueError, match="99 channels or more, received 24"):
        widen(compact, base)
    for weight, old in zip(base.weights, before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_another_head_is_refused(compact, grid_model):
    fewer = dataclasses.replace(grid_model, basis=grid_model.basis[:3], identity_count=2)
    base = base_localiser(fewer, SIZE)
    with pytest.raises(ValueError, match="layer head to have"):
        widen(compact, base)


def test_a_missing_file_is_named(grid_model, tmp_path):
    base = base_localiser(grid_model, SIZE)
    with pytest.raises(FileNotFoundError, match=r"nothing\.keras"):
        begin_with(base, tmp_path / "nothing.keras")


def test_a_localiser_of_someone_else_is_no_start_for_base(grid_model, tmp_path):
    image = keras.Input((SIZE, SIZE, 3))
    keras.Model(image, keras.layers.Flatten()(image)).save(tmp_path / "localiser.keras")
    with pytest.raises(ValueError, match="of the architecture that they are for"):
        begin_with(base_localiser(grid_model, SIZE), tmp_path / "localiser.keras")
