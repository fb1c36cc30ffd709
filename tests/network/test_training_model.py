"""The network with its losses, as `fit` trains it."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import TrainingModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from tests.support.small_network import small_network

WEIGHTS = {"shape_prior": 0.25, "symmetry": 1e-3, "mirror_pairs": 1e-4}


@pytest.fixture(scope="module")
def model():
    face = toy_grid_model((16, 16))
    return small_network(face, image_size=32, half_profile=False, visibility="normals")


def photographs_and_labels(rng, model, batch=4):
    images = rng.uniform(0, 255, (batch, 32, 32, 3)).astype("float32")
    images[1::2] = images[: batch // 2 * 2 : 2, :, ::-1]
    position = np.asarray(model(images)["landmarks"]) + rng.normal(0, 2, (batch, 68, 2))
    confidence = rng.uniform(0, 1, (batch, 68)) * (rng.random((batch, 68)) > 0.3)
    labels = np.concatenate([position, confidence[..., None]], axis=-1)
    return images, labels.astype("float32")


@pytest.fixture(scope="module")
def trainer_of(model):
    """Returns compiled trainers by their options; they leave the weights as they are.

    XLA takes seconds for each: the tests share them, and those that ask for nothing that XLA has
    a part in do without.
    """

    @functools.cache
    def build(**options):
        trainer = TrainingModel(model, **options)
        trainer.compile(
            keras.optimizers.SGD(0.0),
            loss={"landmarks": losses.LandmarkLoss()},
            metrics={"landmarks": losses.LandmarkError()},
            jit_compile=False,
        )
        return trainer

    return build


def expected_losses(outputs, labels):
    """Returns the mean of each loss, by hand."""
    texture, mask = outputs["texture"], outputs["mask"]
    pairs = losses.multi_view_loss(texture[0::2], mask[0::2], texture[1::2], mask[1::2])
    return {
        "landmarks": np.mean(losses.landmark_loss(tf.constant(labels), outputs["landmarks"])),
        "shape_prior": np.mean(np.sum(np.square(outputs["parameters"][:, 6:]), axis=1)),
        "symmetry": np.mean(losses.symmetry_loss(texture, mask)),
        "mirror_pairs": np.mean(pairs),
    }


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("shape_prior",),
        ("symmetry",),
        ("mirror_pairs",),
        ("shape_prior", "symmetry", "mirror_pairs"),
    ],
    ids="+".join,
)
def test_training_model_adds_the_weighted_losses(names, model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model)
    expected = expected_losses(model(images), labels)
    total = expected["landmarks"] + sum(WEIGHTS[name] * expected[name] for name in names)
    weights = {name: WEIGHTS[name] for name in names}
    trainer = trainer_of(**weights, jit_textures=weights == WEIGHTS)
    logs = trainer.fit(images, {"landmarks": labels}, shuffle=False, verbose=0).history
    np.testing.assert_allclose(logs["loss"], [total], rtol=1e-4)


def test_losses_appear_in_the_logs_of_fit_without_their_weights(model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model)
    outputs = model(images)
    expected = expected_losses(outputs, labels)
    trainer = trainer_of(**WEIGHTS, jit_textures=True)
    # Shuffling would part an image from its reflection.
    history = trainer.fit(images, {"landmarks": labels}, shuffle=False, verbose=0).history
    for name in WEIGHTS:
        np.testing.assert_allclose(history[name], expected[name], rtol=1e-4, err_msg=name)
    known = labels[..., 2] > 0
    distance = np.linalg.norm(outputs["landmarks"] - labels[..., :2], axis=-1)[known].mean()
    (pixels,) = (values for name, values in history.items() if name.endswith("pixels"))
    np.testing.assert_allclose(pixels, distance, rtol=1e-4)


ODD = "each image of a batch to be followed by its reflection, .* an odd number of images"
NO_REFLECTION = "followed by its reflection, .* a second image that is no reflection of the first"


def as_dataset(images, labels, batch):
    dataset = tf.data.Dataset.from_tensor_slices((images, {"landmarks": labels}))
    return {"x": dataset.batch(batch)}


def as_fixed_dataset(images, labels, batch):
    dataset = tf.data.Dataset.from_tensor_slices((images, {"landmarks": labels}))
    return {"x": dataset.batch(batch, drop_remainder=True)}


def as_generator(images, labels, batch):
    parts = range(0, len(images), batch)
    pairs = ((images[k : k + batch], {"landmarks": labels[k : k + batch]}) for k in parts)
    return {"x": pairs, "steps_per_epoch": -(-len(images) // batch)}


def as_py_dataset(images, labels, batch):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return -(-len(images) // batch)

        def __getitem__(self, k):
            part = slice(k * batch, (k + 1) * batch)
            return images[part], {"landmarks": labels[part]}

    return {"x": Batches()}


def as_arrays(images, labels, batch):
    return {"x": images, "y": {"landmarks": labels}, "batch_size": batch}


KINDS = (as_dataset, as_fixed_dataset, as_generator, as_py_dataset, as_arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_images_without_their_reflections_are_refused_before_training(kind, model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model, batch=8)
    trainer = trainer_of(mirror_pairs=1e-4, jit_textures=False)
    done = []
    note = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: done.append(batch))
    for wrong, batch, message in ((images[::-1].copy(), 3, ODD), (np.roll(images, 1, 0), 4, None)):
        with pytest.raises(ValueError, match=message or NO_REFLECTION):
            trainer.fit(**kind(wrong, labels, batch), shuffle=False, verbose=0, callbacks=[note])
    assert done == []
    history = trainer.fit(**kind(images, labels, 4), shuffle=False, verbose=0).history
    assert history["mirror_pairs"][0] > 0


def test_arrays_that_would_be_shuffled_or_end_in_half_a_pair_are_refused(model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model, batch=5)
    trainer = trainer_of(mirror_pairs=1e-4, jit_textures=False)
    with pytest.raises(ValueError, match="received shuffle=True, which parts them"):
        trainer.fit(images[:4], {"landmarks": labels[:4]}, verbose=0)
    with pytest.raises(ValueError, match=ODD):
        trainer.fit(images, {"landmarks": labels}, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match=ODD):
        trainer.fit(images[:4], labels[:4], shuffle=False, validation_split=0.25, verbose=0)


def test_a_reflection_in_other_colours_is_one(model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model)
    images[1::2] = 0.9 * images[1::2] + 10
    trainer = trainer_of(mirror_pairs=1e-4, jit_textures=False)
    trainer.fit(images, {"landmarks": labels}, shuffle=False, verbose=0)


def test_inference_takes_any_number_of_images_in_any_order(model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model, batch=3)
    images, labels = images[[0, 2, 2]], labels[[0, 2, 2]]
    trainer = trainer_of(**WEIGHTS, jit_textures=False)
    expected = np.asarray(model(images)["landmarks"])
    for found in (trainer(images), trainer.predict(images, verbose=0)):
        np.testing.assert_allclose(found["landmarks"], expected, atol=1e-4)
    logs = trainer.evaluate(images, {"landmarks": labels}, return_dict=True, verbose=0)
    known = expected_losses(model(np.repeat(images, 2, 0)), np.repeat(labels, 2, 0))
    total = known["landmarks"] + WEIGHTS["shape_prior"] * known["shape_prior"]
    np.testing.assert_allclose(logs["loss"], total, rtol=1e-4)
    assert not {"symmetry", "mirror_pairs"} & set(logs)
    pairs, pair_labels = photographs_and_labels(rng, model)
    history = trainer.fit(
        pairs,
        {"landmarks": pair_labels},
        shuffle=False,
        validation_data=(images, {"landmarks": labels}),
        verbose=0,
    ).history
    np.testing.assert_allclose(history["val_loss"], [total], rtol=1e-4)
    assert {"symmetry", "mirror_pairs"} < set(history)


def test_weights_are_loaded_into_a_trainer_that_was_never_called(model, tmp_path):
    path = tmp_path / "trainer.weights.h5"
    TrainingModel(model, **WEIGHTS).save_weights(path)
    head = model.get_layer("localiser").get_layer("head")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + 1])
    TrainingModel(model, **WEIGHTS).load_weights(path)
    np.testing.assert_array_equal(head.get_weights()[1], bias)


def test_a_run_of_fit_is_backed_up_and_restored(model, rng, tmp_path):
    images, labels = photographs_and_labels(rng, model)
    before = model.get_weights()

    def fit(epochs):
        trainer = TrainingModel(model, shape_prior=0.1)
        trainer.compile(
            keras.optimizers.SGD(1e-7), {"landmarks": losses.LandmarkLoss()}, jit_compile=False
        )
        backup = keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)
        history = trainer.fit(
            images, {"landmarks": labels}, epochs=epochs, callbacks=[backup], verbose=0
        )
        return history.epoch

    try:
        assert fit(1) == [0]
        assert fit(2) == [1]
    finally:
        model.set_weights(before)


def test_training_model_shares_the_weights_of_the_model(model, rng):
    images, labels = photographs_and_labels(rng, model)
    trainer = TrainingModel(model, **WEIGHTS, jit_textures=False)
    np.testing.assert_array_equal(trainer(images)["landmarks"], model(images)["landmarks"])
    before = model.get_weights()
    try:
        trainer.compile(
            keras.optimizers.SGD(1e-6),
            loss={"landmarks": losses.LandmarkLoss()},
            jit_compile=False,
        )
        trainer.fit(images, {"landmarks": labels}, shuffle=False, verbose=0)
        np.testing.assert_array_equal(trainer(images)["landmarks"], model(images)["landmarks"])
        assert any(
            not np.array_equal(b, a) for b, a in zip(before, model.get_weights(), strict=True)
        )
    finally:
        model.set_weights(before)


def test_texture_losses_train_the_localiser_without_labels(model, trainer_of, rng):
    images, _ = photographs_and_labels(rng, model)
    trainer = trainer_of(symmetry=1.0, mirror_pairs=1.0, jit_textures=False)
    head = model.get_layer("localiser").get_layer("head")
    with tf.GradientTape() as tape:
        trainer(images, training=True)
        loss = tf.add_n(trainer.losses)
    to_kernel, to_bias = tape.gradient(loss, [w.value for w in head.weights])
    assert np.isfinite(to_kernel).all()
    assert np.count_nonzero(to_kernel) > 0
    assert np.all(np.asarray(to_bias) != 0)


def traced(trainer, batch=4):
    """The graph of a trainer's call, and those of the functions in it."""
    image = tf.TensorSpec((batch, 32, 32, 3))
    graph = tf.function(trainer).get_concrete_function(image, training=True).graph.as_graph_def()
    return graph, graph.library.function


def node_names(graph, functions):
    return [node.name for node in graph.node] + [n.name for f in functions for n in f.node_def]


@pytest.mark.parametrize(("weight", "sampled"), [({"shape_prior": 1.0}, 0), ({"symmetry": 1.0}, 1)])
def test_no_texture_is_sampled_when_no_loss_looks_at_it(model, weight, sampled):
    names = node_names(*traced(TrainingModel(model, **weight)))
    for layer in ("bilinear_sampler", "texture", "mask"):
        assert any(f"/{layer}" in f"/{name}" for name in names) == sampled, layer


def test_without_a_texture_only_the_vertices_that_are_landmarks_are_computed(model):
    trainer = TrainingModel(model)
    image = tf.TensorSpec((4, 32, 32, 3))
    graph = tf.function(trainer).get_concrete_function(image, training=True).graph
    tensors = [output for op in graph.get_operations() for output in op.outputs]
    points = {t.shape[1] for t in tensors if t.shape.rank == 3 and t.shape[0] == 4}
    assert 68 in points
    assert max(points) < 16 * 16


@pytest.mark.parametrize("jit", [True, False])
def test_xla_compiles_the_losses_on_textures_and_nothing_else(model, jit):
    _, functions = traced(TrainingModel(model, symmetry=1.0, jit_textures=jit))
    compiled = [f for f in functions if f.attr["_XlaMustCompile"].b]
    assert len(compiled) == jit
    for function in compiled:
        names = [node.name for node in function.node_def]
        assert any("bilinear_sampler" in name for name in names)
        assert not any("conv2d" in name for name in names)


def reference_gradients(model, images, labels, variables):
    """Gradients of the weighted losses, from the outputs of the model."""
    with tf.GradientTape() as tape:
        tape.watch(variables)
        out = model(images, training=True)
        each = {
            "shape_prior": losses.shape_prior_loss(out["parameters"][:, 6:]),
            "symmetry": losses.symmetry_loss(out["texture"], out["mask"]),
            "mirror_pairs": losses.mirror_pair_loss(out["texture"], out["mask"]),
        }
        loss = tf.reduce_mean(losses.landmark_loss(labels, out["landmarks"]))
        loss += tf.add_n([WEIGHTS[name] * tf.reduce_mean(value) for name, value in each.items()])
    return loss, tape.gradient(loss, variables)


@pytest.mark.parametrize("jit", [True, False], ids=["XLA", "graph"])
@pytest.mark.parametrize("learnt_face", [False, True], ids=["fixed face", "learnt face"])
def test_gradients_are_those_of_the_losses(learnt_face, jit, model, trainer_of, rng):
    images, labels = photographs_and_labels(rng, model)
    trainer = trainer_of(**WEIGHTS, jit_textures=jit)
    morphable_model = model.get_layer("morphable_model")
    trainer(images, training=True)  # traced with a face that is fixed
    morphable_model.trainable = learnt_face
    try:
        variables = [v.value for v in model.trainable_variables]
        assert [v.value for v in trainer.trainable_variables] == variables
        expected_loss, expected = reference_gradients(model, images, labels, variables)
        with tf.GradientTape() as tape:
            tape.watch(variables)
            out = trainer(images, training=True)
            loss = tf.reduce_mean(losses.landmark_loss(labels, out["landmarks"]))
            loss += tf.add_n(trainer.losses)
        received = tape.gradient(loss, variables)
    finally:
        morphable_model.trainable = False
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
    for variable, ours, theirs in zip(variables, received, expected, strict=True):
        ours, theirs = tf.convert_to_tensor(ours), tf.convert_to_tensor(theirs)
        scale = np.abs(theirs).max()
        assert scale > 0
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * scale, err_msg=variable.name)


def test_the_gradient_of_the_texture_losses_scales_with_the_loss(model, trainer_of, rng):
    images, _ = photographs_and_labels(rng, model)
    kernel = model.get_layer("localiser").get_layer("head").kernel.value
    trainer = trainer_of(symmetry=1.0, jit_textures=False)

    def gradient(factor):
        with tf.GradientTape() as tape:
            trainer(images, training=True)
            loss = factor * tf.add_n(trainer.losses)
        return tape.gradient(loss, kernel)

    np.testing.assert_allclose(gradient(1024.0), 1024.0 * gradient(1.0), rtol=1e-6)


def test_a_model_of_another_kind_is_refused(model):
    image = keras.Input((32, 32, 3))
    other = keras.Model(image, {"landmarks": keras.layers.Flatten()(image)})
    with pytest.raises(
        ValueError, match="without landmarks, mask, morphable_model, parameters, texture"
    ):
        TrainingModel(other)
    with pytest.raises(ValueError, match="received one without landmarks, mask"):
        TrainingModel(model.get_layer("localiser"))


def test_training_model_survives_saving(model, trainer_of, rng, tmp_path):
    images, labels = photographs_and_labels(rng, model)
    trainer = trainer_of(**WEIGHTS, jit_textures=False)
    expected = trainer.evaluate(images, {"landmarks": labels}, return_dict=True, verbose=0)
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    weights = {name: weight for name, weight in loaded.weight_of.items() if weight}
    assert weights == WEIGHTS and not loaded.jit_textures
    logs = loaded.evaluate(images, {"landmarks": labels}, return_dict=True, verbose=0)
    assert logs.keys() == expected.keys()
    np.testing.assert_allclose(list(logs.values()), list(expected.values()), rtol=1e-5)
