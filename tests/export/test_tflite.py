"""TensorFlow Lite files against the network they come from."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import build_localiser
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.tflite import PRECISIONS, tflite_model, write_tflite
from keras_3dmmstn.export.tflite_join import join_models, operator_names
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.normaliser import Normaliser

SIZE = 64
# Landmarks in pixels, of weights in float16 and in int8: an untrained localiser of this size.
TOLERANCE = {"float32": 0.01, "float16": 0.1, "dynamic": 0.5, "integer": 1.0}


@pytest.fixture(scope="module")
def normaliser():
    keras.utils.set_random_seed(3)
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(8, 3, 4, activation="relu"),
            keras.layers.Conv2D(64, 3, 2, activation="relu"),
        ]
    )
    face_model = toy_grid_model((14, 12))
    localiser = build_localiser(backbone, face_model, SIZE)
    kernel, bias = localiser.get_layer("head").get_weights()
    noise = np.random.default_rng(0).normal(size=kernel.shape).astype("float32")
    localiser.get_layer("head").set_weights([noise, bias])
    return Normaliser(localiser, face_model)


@pytest.fixture(scope="module")
def photographs():
    """Four crops with brightness that differs from place to place."""
    ramps = np.random.default_rng(5).uniform(0, 255, (4, 4, 4, 3))
    return tf.image.resize(ramps, (SIZE, SIZE)).numpy()


@pytest.fixture(scope="module")
def models(normaliser, photographs):
    """The content of a file of each precision."""
    return {
        precision: tflite_model(
            normaliser, precision, photographs if precision == "integer" else ()
        )
        for precision in PRECISIONS
    }


def run(model, image):
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs the extra export")
    interpreter = litert.Interpreter(model_content=model)
    return interpreter.get_signature_runner("serving_default")(image=image[None])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_answers_are_those_of_keras(models, normaliser, photographs, precision):
    network = trained_network(normaliser)
    for image in photographs:
        expected = network.predict(image[None], verbose=0)
        received = run(models[precision], image)
        assert set(received) == set(expected)
        for name, value in expected.items():
            assert received[name].shape == value.shape and received[name].dtype == np.float32
        np.testing.assert_allclose(
            received["landmarks"], expected["landmarks"], atol=TOLERANCE[precision]
        )
        if precision == "float32":
            np.testing.assert_allclose(received["parameters"], expected["parameters"], atol=1e-4)
            np.testing.assert_allclose(received["texture"], expected["texture"], atol=0.5)
            np.testing.assert_array_equal(received["mask"], expected["mask"])


def test_different_photographs_have_different_answers(models, photographs):
    first, second = (run(models["integer"], image)["landmarks"] for image in photographs[:2])
    assert np.abs(first - second).max() > 1


def test_operators_are_built_in(models):
    for model in models.values():
        names = operator_names(model)
        assert "GATHER" in names and not {"CUSTOM", "DELEGATE", "GATHER_ND"} & set(names)


def test_weights_are_stored_as_the_precision_says(models):
    sizes = {precision: len(model) for precision, model in models.items()}
    assert sizes["float16"] < sizes["float32"]
    assert sizes["dynamic"] < sizes["float16"]
    assert "QUANTIZE" in operator_names(models["integer"])
    assert "QUANTIZE" not in operator_names(models["float32"])


def test_names_and_shapes_are_those_of_the_card(normaliser, tmp_path):
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs the extra export")
    path = write_tflite(normaliser, tmp_path / "new" / "face.tflite")
    card = json.loads(path.with_suffix(".json").read_text())
    interpreter = litert.Interpreter(str(path))
    (given,) = interpreter.get_input_details()
    assert given["name"] == card["input"]["name"] == "image"
    assert list(given["shape"]) == card["input"]["shape"]
    outputs = {d["name"]: list(d["shape"]) for d in interpreter.get_output_details()}
    assert outputs == {name: entry["shape"] for name, entry in card["outputs"].items()}
    assert card["bytes"] == path.stat().st_size
    assert sum(entry[1] for entry in card["outputs"]["parameters"]["order"]) == 12
    assert sorted(file.name for file in path.parent.iterdir()) == ["face.json", "face.tflite"]


def test_a_file_that_exists_is_left_alone(normaliser, tmp_path):
    (tmp_path / "face.json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"face\.json exists"):
        write_tflite(normaliser, tmp_path / "face.tflite")
    assert [file.name for file in tmp_path.iterdir()] == ["face.json"]


def test_an_unknown_precision_is_refused(normaliser):
    with pytest.raises(ValueError, match="float32, float16, dynamic, integer, received 'int4'"):
        tflite_model(normaliser, "int4")


@pytest.mark.parametrize("crops", [[], [np.zeros((8, 8, 3))]])
def test_photographs_have_to_be_there_and_fit(normaliser, crops):
    with pytest.raises(ValueError, match=rf"\(64, 64, 3\), received {len(crops)} of shapes"):
        tflite_model(normaliser, "integer", crops)


def test_a_localiser_without_head_is_refused(normaliser):
    image = keras.Input((SIZE, SIZE, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    strange = keras.Model(image, keras.layers.Dense(12, name="last")(pooled))
    with pytest.raises(ValueError, match="head and parameter_scaling, received"):
        tflite_model(Normaliser(strange, normaliser.grid_model))


def converted(function, *names):
    """A model with inputs `(1, 2)` of these names."""
    signature = [tf.TensorSpec((1, 2), tf.float32, name=name) for name in names]
    concrete = tf.function(function, input_signature=signature).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()


def test_models_that_do_not_follow_one_another_are_not_joined():
    one = converted(lambda image: image + 1, "image")
    two = converted(lambda image, features: image * features, "image", "features")
    with pytest.raises(ValueError, match=r"'image' and 'link'.*'features', 'image'"):
        join_models(one, two, "image", "link", ["product"])
    with pytest.raises(ValueError, match="2 outputs, received"):
        join_models(one, two, "image", "features", ["product", "more"])
    with pytest.raises(ValueError, match="one input and one output, received one with 2 and 1"):
        join_models(two, two, "image", "features", ["product"])


def test_the_second_model_sees_input_and_result_of_the_first():
    one = converted(lambda image: image + 1, "image")
    two = converted(lambda image, features: image * features - 3, "image", "features")
    joined = join_models(one, two, "image", "features", ["product"])
    answer = run(joined, np.array([2, 5], np.float32))
    np.testing.assert_array_equal(answer["product"], [[2 * 3 - 3, 5 * 6 - 3]])
