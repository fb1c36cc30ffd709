"""Pairs of photographs of one person, as `TrainingModel` is trained on them."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import TrainingModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from tests.support.small_network import small_network

FACE = toy_grid_model((16, 16))
PAIRS = {"identity_pairs": 1e-3, "tied_identity": 0.2}


@pytest.fixture(scope="module")
def model():
    return small_network(FACE, image_size=32, half_profile=False, visibility="normals")


def photographs(rng, batch=4, reflected=False):
    """Photographs and labels of nothing; with `reflected` every second one is a reflection."""
    images = rng.uniform(0, 255, (batch, 32, 32, 3)).astype("float32")
    if reflected:
        images[1::2] = images[::2, :, ::-1]
    return images, {"landmarks": np.zeros((batch, 68, 3), "float32")}


def compiled(model, rate=0.0, **weights):
    trainer = TrainingModel(model, jit_textures=False, **weights)
    trainer.compile(
        keras.optimizers.SGD(rate), {"landmarks": losses.LandmarkLoss()}, jit_compile=False
    )
    return trainer


def expected(outputs, pairs):
    """The two losses, by hand."""
    texture, mask, theta = (outputs[name] for name in ("texture", "mask", "parameters"))
    alpha = np.asarray(theta)[:, 6 : 6 + FACE.identity_count]
    views = [
        losses.multi_view_loss(texture[a][None], mask[a][None], texture[b][None], mask[b][None])
        for a, b in pairs
    ]
    return {
        "identity_pairs": np.mean(views),
        "tied_identity": np.mean([((alpha[a] - alpha[b]) ** 2).sum() for a, b in pairs]),
    }


@pytest.mark.parametrize("reflected", [False, True], ids=["pairs", "with reflections"])
def test_fit_adds_the_weighted_losses_and_logs_them(reflected, model, rng):
    images, labels = photographs(rng, 8, reflected)
    outputs = model(images)
    pairs = [(0, 2), (1, 3), (4, 6), (5, 7)] if reflected else [(0, 1), (2, 3), (4, 5), (6, 7)]
    values = expected(outputs, pairs)
    total = sum(PAIRS[name] * values[name] for name in PAIRS)
    mirror = {"mirror_pairs": 1e-4} if reflected else {}
    if reflected:
        texture, mask = outputs["texture"], outputs["mask"]
        total += 1e-4 * np.mean(losses.mirror_pair_loss(texture, mask))
    trainer = compiled(model, **PAIRS, **mirror)
    logs = trainer.fit(images, labels, batch_size=8, shuffle=False, verbose=0).history
    assert all(value > 0 for value in values.values())
    for name, value in values.items():
        np.testing.assert_allclose(logs[name], [value], rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(logs["loss"], [total], rtol=1e-4)


@pytest.mark.parametrize("name", PAIRS)
def test_each_loss_comes_alone(name, model, rng):
    trainer = compiled(model, **{name: PAIRS[name]})
    logs = trainer.fit(*photographs(rng), shuffle=False, verbose=0).history
    assert set(logs) == {"loss", name}


def test_tied_identity_leaves_expression_and_pose(model, rng):
    images, _ = photographs(rng, 4)
    trainer = TrainingModel(model, tied_identity=1.0)
    head = model.get_layer("localiser").get_layer("head")
    kernel, bias = head.kernel.value, head.bias.value
    with tf.GradientTape() as tape:
        trainer(images, training=True)
        loss = tf.add_n(trainer.losses)
    to_kernel, to_bias = tape.gradient(loss, [kernel, bias])
    identity = slice(6, 6 + FACE.identity_count)
    moved = np.abs(np.asarray(to_kernel)).max(axis=0)
    assert (moved[identity] > 0).all()
    np.testing.assert_array_equal(np.delete(moved, np.r_[identity]), 0)
    # The bias moves both photographs of a pair alike.
    np.testing.assert_allclose(to_bias, np.zeros(len(moved)), atol=1e-5)


def test_training_on_pairs_brings_them_together(model, rng):
    images, labels = photographs(rng, 4)
    before = model.get_weights()
    try:
        trainer = compiled(model, rate=0.02, tied_identity=1.0)
        logs = trainer.fit(images, labels, epochs=5, shuffle=False, verbose=0).history
        assert logs["tied_identity"][-1] < 0.9 * logs["tied_identity"][0]
    finally:
        model.set_weights(before)


def test_inference_takes_any_number_of_photographs(model, rng):
    images, labels = photographs(rng, 3)
    trainer = compiled(model, **PAIRS)
    landmarks = np.asarray(model(images)["landmarks"])
    for found in (trainer(images), trainer.predict(images, verbose=0)):
        np.testing.assert_allclose(found["landmarks"], landmarks, atol=1e-4)
    assert set(trainer.evaluate(images, labels, return_dict=True, verbose=0)) == {"loss"}


def as_dataset(images, labels, batch):
    return {"x": tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch)}


def as_generator(images, labels, batch):
    landmarks = labels["landmarks"]
    parts = [slice(k, k + batch) for k in range(0, len(images), batch)]
    return {
        "x": ((images[part], {"landmarks": landmarks[part]}) for part in parts),
        "steps_per_epoch": len(parts),
    }


def as_arrays(images, labels, batch):
    return {"x": images, "y": labels, "batch_size": batch}


@pytest.mark.parametrize("kind", [as_dataset, as_generator, as_arrays])
@pytest.mark.parametrize(
    ("batch", "reflected", "said"),
    [
        (3, False, "followed by another one of the same person, .* an odd number of images"),
        (6, True, "another photograph and its reflection, .* is no multiple of four"),
    ],
    ids=["pairs", "with reflections"],
)
def test_batches_that_part_pairs_are_refused(kind, batch, reflected, said, model, rng):
    trainer = compiled(model, **PAIRS, mirror_pairs=1e-4 * reflected)
    with pytest.raises(ValueError, match=said):
        trainer.fit(**kind(*photographs(rng, batch, reflected), batch), shuffle=False, verbose=0)


def test_arrays_that_would_be_shuffled_are_refused(model, rng):
    with pytest.raises(ValueError, match="of the same person, received shuffle=True, which parts"):
        compiled(model, **PAIRS).fit(*photographs(rng), verbose=0)


def test_first_images_must_be_reflections_where_both_are_wanted(model, rng):
    trainer = compiled(model, **PAIRS, mirror_pairs=1e-4)
    with pytest.raises(ValueError, match="second image that is no reflection"):
        trainer.fit(*photographs(rng), shuffle=False, verbose=0)


def test_weights_survive_saving_and_cloning(model, rng, tmp_path):
    trainer = compiled(model, **PAIRS)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    images, labels = photographs(rng)
    logs = trainer.fit(images, labels, shuffle=False, verbose=0).history
    for twin in (loaded, TrainingModel.from_config(trainer.get_config())):
        assert twin.weight_of == trainer.weight_of and twin.weight_of["tied_identity"] == 0.2
    again = loaded.fit(images, labels, shuffle=False, verbose=0).history
    for name, values in logs.items():
        np.testing.assert_allclose(again[name], values, rtol=1e-5, err_msg=name)
    clone = keras.models.clone_model(model)
    assert clone.get_layer("morphable_model").identity_count == FACE.identity_count
    assert TrainingModel(clone, tied_identity=1.0).weight_of["tied_identity"] == 1.0


def test_a_face_model_without_modes_of_identity_is_refused():
    expressions_only = dataclasses.replace(FACE, identity_count=0)
    network = small_network(expressions_only, image_size=32, visibility="normals")
    with pytest.raises(ValueError, match="modes of identity, received one with identity_count 0"):
        TrainingModel(network, tied_identity=1.0)
    TrainingModel(network, identity_pairs=1.0)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(model, weight):
    with pytest.raises(ValueError, match=r"weights of at least 0, received .'identity_pairs'"):
        TrainingModel(model, identity_pairs=weight)
