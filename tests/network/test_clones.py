"""Models that Keras makes of the configuration of others."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import TrainingModel, spatial_transformer
from keras_3dmmstn.losses import LandmarkLoss
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.refinement import refined_grid_model

NOT_SET = "MorphableModel 'morphable_model' expects its data, received none yet"
FACE, SIZE = toy_grid_model((16, 16)), 140
IMAGES = np.random.default_rng(0).uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")
LABELS = {"landmarks": np.full((2, 68, 3), 70.0, "float32")}


@pytest.fixture(scope="module")
def model():
    return spatial_transformer(FACE, image_size=SIZE, visibility="table")


def from_config(model):
    return type(model).from_config(model.get_config())


def from_json(model):
    return keras.models.model_from_json(model.to_json())


@pytest.fixture
def clone(model):
    return keras.models.clone_model(model)


def compiled(model, run_eagerly=False):
    model.compile("sgd", {"landmarks": LandmarkLoss()}, run_eagerly=run_eagerly)
    return model


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model(IMAGES),
        lambda model: model.predict(IMAGES, verbose=0),
        lambda model: compiled(model).fit(IMAGES, LABELS, verbose=0),
        lambda model: compiled(model).evaluate(IMAGES, LABELS, verbose=0),
        lambda model: tf.function(model, jit_compile=True)(tf.constant(IMAGES)),
        lambda model: compiled(TrainingModel(model)).fit(IMAGES, LABELS, verbose=0),
        lambda model: compiled(TrainingModel(model, symmetry=1.0))(IMAGES),
        lambda model: refined_grid_model(model, FACE),
    ],
    ids=[
        "call",
        "predict",
        "fit",
        "evaluate",
        "tf.function",
        "TrainingModel.fit",
        "TrainingModel",
        "refined_grid_model",
    ],
)
def test_a_clone_refuses_to_be_used_without_its_face_model(clone, use):
    before = clone.get_weights()
    with pytest.raises(ValueError, match=NOT_SET):
        use(clone)
    for value, expected in zip(clone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("again", [from_config, from_json])
def test_so_does_a_model_of_a_configuration(again, model):
    other = again(model)
    with pytest.raises(ValueError, match=NOT_SET):
        other.predict(IMAGES, verbose=0)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other(IMAGES)["landmarks"], model(IMAGES)["landmarks"])


def test_a_clone_is_not_exported_without_its_face_model(clone, tmp_path):
    with pytest.raises(ValueError, match=NOT_SET):
        clone.export(tmp_path / "saved", verbose=False)


def test_a_clone_with_the_weights_set_does_what_the_model_does(clone, model):
    with pytest.raises(ValueError, match=NOT_SET):
        clone.predict(IMAGES, verbose=0)
    clone.set_weights(model.get_weights())
    expected = model.predict(IMAGES, verbose=0)
    assert expected["landmarks"].std(axis=1).min() > 5 and expected["mask"].any()
    for name, value in clone.predict(IMAGES, verbose=0).items():
        np.testing.assert_array_equal(value, expected[name])
    compiled(TrainingModel(clone), run_eagerly=True).fit(IMAGES, LABELS, verbose=0)


def test_a_clone_takes_the_face_model_from_a_file_of_weights(clone, model, tmp_path):
    model.save_weights(tmp_path / "all.weights.h5")
    clone.load_weights(tmp_path / "all.weights.h5")
    expected = model(IMAGES)
    for name, value in clone(IMAGES).items():
        np.testing.assert_array_equal(value, expected[name])


def test_each_layer_with_data_refuses_by_itself(clone, model):
    face = model.get_layer("morphable_model").get_weights()
    clone.get_layer("morphable_model").set_weights(face)
    with pytest.raises(ValueError, match=r"SelfOcclusionMask 'mask' .* table are not set"):
        clone(IMAGES)
    clone.get_layer("mask").set_weights(model.get_layer("mask").get_weights())
    assert clone(IMAGES)["landmarks"].numpy().std(axis=1).min() > 5


@pytest.mark.parametrize("again", [from_config, keras.models.clone_model])
def test_the_clone_of_a_training_model_refuses_likewise(again, model):
    trainer = TrainingModel(model, shape_prior=1.0, symmetry=1.0, jit_textures=False)
    twin = compiled(again(trainer))
    with pytest.raises(ValueError, match=NOT_SET):
        twin.fit(IMAGES, LABELS, verbose=0)
    twin.model.set_weights(model.get_weights())
    loss = twin.fit(IMAGES, LABELS, verbose=0).history["loss"][0]
    assert np.isfinite(loss)


@keras.saving.register_keras_serializable(package="tests")
class Around(keras.Model):
    """A model of a user around one of ours, which Keras builds by looking at its `call`."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, image):
        return self.inner(image)["landmarks"]

    def get_config(self):
        return {**super().get_config(), "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("inner")), **config)


def test_a_model_around_it_is_loaded_from_a_file(model, tmp_path):
    around = Around(model)
    expected = around(IMAGES)
    around.save(tmp_path / "around.keras")
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "around.keras")(IMAGES), expected
    )


def test_a_loaded_training_model_has_its_face_model(model, tmp_path):
    trainer = TrainingModel(model)
    expected = trainer(IMAGES)["landmarks"]
    trainer.save(tmp_path / "trainer.keras")
    loaded = keras.models.load_model(tmp_path / "trainer.keras")
    np.testing.assert_array_equal(loaded(IMAGES)["landmarks"], expected)


def test_freezing_all_and_unfreezing_all_leaves_the_face_model_fixed():
    model = spatial_transformer(FACE, image_size=SIZE)
    trainer = TrainingModel(model, symmetry=1.0, jit_textures=False)
    before = [weight.path for weight in model.trainable_weights]
    for around in (model, trainer):
        around.trainable = False
        assert trainer.trainable_weights == []
        around.trainable = True
        assert [weight.path for weight in model.trainable_weights] == before
        assert [weight.path for weight in trainer.trainable_weights] == before
    face = model.get_layer("morphable_model")
    given = face.get_weights()
    compiled(trainer, run_eagerly=True).fit(IMAGES, LABELS, verbose=0)
    for value, expected in zip(face.get_weights(), given, strict=True):
        np.testing.assert_array_equal(value, expected)

    face.trainable = True  # a word to the layer itself
    learnt = {weight.path for weight in trainer.trainable_weights} - set(before)
    assert learnt == {"morphable_model/mean", "morphable_model/basis"}
