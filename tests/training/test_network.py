"""The network of a run: the localiser by name, precision, XLA, weights to begin with."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.pretrained import load_weights
from keras_3dmmstn.network.residual_localisers import compact_localiser
from keras_3dmmstn.training.network import (
    build_network,
    build_trainer,
    inference_localiser,
    learnt_face_model,
    smooth_face_model,
    uses_xla,
)
from keras_3dmmstn.training.recipes import recipe
from tests.support.tiny_run import tiny_config


@pytest.fixture
def face():
    return toy_grid_model((16, 16))


@pytest.fixture
def config(tmp_path):
    """The paper's recipe with a small VGG-Face."""
    return tiny_config(tmp_path)


def labels(config, count=4):
    return {"landmarks": np.full((count, 89, 3), config.image_size / 2, np.float32)}


def images(rng, config, count=4):
    return rng.uniform(0, 255, (count, config.image_size, config.image_size, 3)).astype(np.float32)


def test_the_recipes_name_their_localisers(face, config):
    model = build_network(config, face)
    assert "vgg_face" in [layer.name for layer in model.get_layer("localiser").layers]
    compact = recipe("compact")
    model = build_network(compact, face)
    expected = [w.shape for w in compact_localiser(face, compact.image_size).weights]
    assert [w.shape for w in model.get_layer("localiser").weights] == expected
    assert model.output["landmarks"].shape == (None, 89, 2)


def test_missing_pretrained_weights_are_named_with_a_way_out(face, config):
    with pytest.raises(FileNotFoundError, match=r"no /nowhere/vgg-face\.mat.*recipe compact"):
        build_network(replace(config, pretrained="/nowhere/vgg-face.mat"), face)


def test_the_four_losses_are_added_with_their_weights(face, config, rng):
    config = replace(
        config,
        landmark_weight=0.5,
        shape_prior=0.25,
        symmetry=2.0,
        mirror_pairs=3.0,
        jit_compile="auto",
    )
    model = build_network(config, face)
    head = model.get_layer("localiser").get_layer("head")
    head.bias.assign(rng.normal(0, 0.3, head.bias.shape))
    trainer = build_trainer(model, config, steps=1)
    x, y = images(rng, config), labels(config)
    landmarks = trainer.loss["landmarks"](tf.constant(y["landmarks"]), model(x)["landmarks"])
    values = trainer.train_on_batch(x, y, return_dict=True)
    expected = (
        0.5 * float(landmarks)
        + 0.25 * values["shape_prior"]
        + 2 * values["symmetry"]
        + 3 * values["mirror_pairs"]
    )
    assert values["symmetry"] > 0 and values["mirror_pairs"] > 0 and values["shape_prior"] > 0
    assert values["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_landmark_loss_is_the_sum_or_the_mean(face, config, rng):
    x, y = images(rng, config), labels(config)
    y["landmarks"][..., 2] = 1
    config = replace(config, shape_prior=0.0, symmetry=0.0, mirror_pairs=0.0)
    losses = []
    for kind in ("sum", "mean"):
        chosen = replace(config, landmark_loss=kind)
        trainer = build_trainer(build_network(chosen, face), chosen, steps=1)
        losses.append(trainer.test_on_batch(x, y, return_dict=True)["loss"])
    assert losses[0] == pytest.approx(89 * losses[1], rel=1e-5)


def test_xla_is_by_itself_for_gpus_only(config, monkeypatch):
    for gpus in ([], ["a GPU"]):
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind, gpus=gpus: gpus)
        assert uses_xla(replace(config, jit_compile="auto")) is bool(gpus)
        assert uses_xla(replace(config, jit_compile="on")) is True
        assert uses_xla(replace(config, jit_compile="off")) is False


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_is_saved_in_float32(precision, face, config, rng):
    mixed = replace(config, precision=precision, symmetry=0.0, mirror_pairs=0.0)
    model = build_network(mixed, face)
    assert keras.config.dtype_policy().name == "float32"
    backbone = model.get_layer("localiser").get_layer("vgg_face")
    assert backbone.get_layer("conv3_1").compute_dtype == precision.removeprefix("mixed_")
    assert model.get_layer("morphable_model").compute_dtype == "float32"
    trainer = build_trainer(model, mixed, steps=1)
    x = images(rng, config)
    assert np.isfinite(trainer.train_on_batch(x, labels(config)))[0]
    scaled = isinstance(trainer.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")

    inference = inference_localiser(mixed, model, face)
    inference.set_weights(model.get_layer("localiser").get_weights())
    assert inference.get_layer("vgg_face").get_layer("conv3_1").compute_dtype == "float32"
    np.testing.assert_allclose(inference(x), model.get_layer("localiser")(x), atol=0.1)


def test_the_compact_localiser_is_saved_for_224_pixels(face):
    config = recipe("compact")
    model = build_network(config, face)
    inference = inference_localiser(config, model, face)
    assert inference.input_shape == (None, 224, 224, 3)
    inference.set_weights(model.get_layer("localiser").get_weights())


def test_a_saved_localiser_is_begun_with(face, config, tmp_path, rng):
    saved = build_network(config, face).get_layer("localiser")
    saved.get_layer("head").bias.assign(rng.normal(size=saved.output_shape[1]))
    saved.save(tmp_path / "saved.keras")
    localiser = build_network(config, face).get_layer("localiser")
    load_weights(localiser, tmp_path / "saved.keras")
    x = images(rng, config)
    np.testing.assert_array_equal(localiser(x), saved(x))


def test_a_start_that_does_not_fit_is_named(face, config, tmp_path):
    localiser = build_network(config, face).get_layer("localiser")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*missing\.keras"):
        load_weights(localiser, tmp_path / "missing.keras")
    (tmp_path / "damaged.keras").write_bytes(b"nothing")
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.save(tmp_path / "other.keras")
    for name, expected in (
        ("damaged.keras", "a localiser that Keras saved"),
        ("other.keras", "the weights of a localiser of the architecture"),
    ):
        with pytest.raises(ValueError, match=f"{name}: expected {expected}"):
            load_weights(localiser, tmp_path / name)


@pytest.mark.parametrize("ema_momentum", [0.0, 0.9])
def test_a_face_model_that_learns_is_made_smooth_and_saved_so(face, config, rng, ema_momentum):
    config = replace(
        config, face_model_rate=0.01, symmetry=0.0, mirror_pairs=0.0, ema_momentum=ema_momentum
    )
    model = build_network(config, face)
    layer, landmarks = model.get_layer("morphable_model"), face.landmarks["ibug68"]
    moved_by = np.zeros_like(face.mean)
    moved_by[landmarks] = rng.normal(size=(68, 3))
    layer.set_weights([face.mean + moved_by, face.basis])
    raw = learnt_face_model(config, model, face)
    smooth_face_model(config, model, face)
    smooth = learnt_face_model(config, model, face)

    def roughness(mean):
        return np.abs(np.diff((mean - face.mean).reshape(16, 16, 3), 2, axis=1)).max()

    assert roughness(layer.get_weights()[0]) < 0.1 * roughness(face.mean + moved_by)
    if ema_momentum:  # what is averaged was smooth at the ends of epochs only
        assert roughness(raw.mean) < 0.1 * roughness(face.mean + moved_by)
    else:
        assert roughness(raw.mean) > 0.5 * roughness(face.mean + moved_by)
        np.testing.assert_allclose(smooth.mean, layer.get_weights()[0], atol=1e-4)
    np.testing.assert_allclose(smooth.mean[face.mirror] * [-1, 1, 1], smooth.mean, atol=1e-4)


def test_modes_of_a_face_model_that_learns_are_held_and_its_mean_is_not(face, config, rng):
    config = replace(config, face_model_rate=0.01, symmetry=0.0, mirror_pairs=0.0)
    moved = {}
    for noise in (0.0, 0.5, 100.0):
        model = build_network(replace(config, face_model_noise=noise), face)
        layer = model.get_layer("morphable_model")
        layer.set_weights([face.mean + 1, face.basis + 1])
        smooth_face_model(replace(config, face_model_noise=noise), model, face)
        mean, basis = layer.get_weights()
        moved[noise] = np.abs(basis - face.basis).max()
        assert np.abs(mean - face.mean).max() > 0.5
    assert moved[0.0] > moved[0.5] > moved[100.0] and moved[100.0] < 0.05


def test_a_face_model_that_does_not_learn_is_left_alone(face, config):
    model = build_network(config, face)
    changed = [face.mean + 1, face.basis]
    model.get_layer("morphable_model").set_weights(changed)
    smooth_face_model(config, model, face)
    np.testing.assert_array_equal(model.get_layer("morphable_model").get_weights()[0], changed[0])


def test_a_face_model_that_grew_beyond_all_faces_names_the_setting(face, config):
    config = replace(config, face_model_rate=1000.0, symmetry=0.0, mirror_pairs=0.0)
    model = build_network(config, face)
    model.get_layer("morphable_model").set_weights([np.full_like(face.mean, 1e30), face.basis])
    message = r"face model that was learnt is none: .*a face_model_rate smaller than 1000\."
    with pytest.raises(FloatingPointError, match=message):
        learnt_face_model(config, model, face)
