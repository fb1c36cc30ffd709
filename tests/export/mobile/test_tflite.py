"""TensorFlow Lite files against the network they come from."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from keras_3dmmstn import build_localiser
from keras_3dmmstn.export.mobile.tflite import PRECISIONS, export_tflite, tflite_model
from keras_3dmmstn.export.mobile.tflite_join import join_models, operator_names, rename_tensors
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.confidence import with_confidence, without_confidence
from keras_3dmmstn.network.spread import with_spread

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
    localiser = with_spread(with_confidence(build_localiser(backbone, face_model, SIZE)))
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
    from ai_edge_litert import interpreter as litert

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
            for name in ("confidence", "spread"):
                np.testing.assert_allclose(received[name], expected[name], atol=1e-5)


def test_a_localiser_without_a_confidence_has_four_answers(normaliser, photographs):
    plain = Normaliser(without_confidence(normaliser.localiser), normaliser.grid_model)
    received = run(tflite_model(plain), photographs[0])
    assert set(received) == {"parameters", "landmarks", "texture", "mask"}


LARGER = [*((precision, 1) for precision in PRECISIONS), ("float32", None), ("float16", None)]


@pytest.fixture(scope="module")
def turned(normaliser):
    """The same in half profile: much of the face is hidden."""
    localiser = keras.models.clone_model(normaliser.localiser)
    localiser.set_weights(normaliser.localiser.get_weights())
    kernel, bias = localiser.get_layer("head").get_weights()
    bias[:3] = [1.0, -4.0, 0.5]
    localiser.get_layer("head").set_weights([kernel, bias])
    return Normaliser(localiser, normaliser.grid_model)


@pytest.mark.parametrize(("precision", "batch"), LARGER)
def test_a_larger_texture_is_that_of_keras(turned, photographs, precision, batch):
    model = tflite_model(turned, precision, photographs, batch=batch, texture_size=224)
    assert not {"CUSTOM", "DELEGATE"} & set(operator_names(model))
    image = photographs[0]
    received = run(model, image)
    expected = trained_network(turned, texture_size=224)(image[None], training=False)
    assert received["texture"].shape == (1, 224, 224, 3)
    assert received["mask"].shape == (1, 224, 224, 1) and 0.2 < np.mean(expected["mask"]) < 0.8
    hidden = received["mask"] != expected["mask"].numpy()
    levels = np.abs(received["texture"] - expected["texture"])[~hidden[..., 0]]
    # Neighbouring pixels differ by up to 16 levels along each axis.
    assert levels.max() < 32 * TOLERANCE[precision]
    assert hidden.mean() <= {"float32": 0, "float16": 0.004}.get(precision, 0.02)


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
    from ai_edge_litert import interpreter as litert

    path = export_tflite(normaliser, tmp_path / "new" / "face.tflite")
    card = json.loads(path.with_suffix(".json").read_text())
    interpreter = litert.Interpreter(str(path))
    (given,) = interpreter.get_input_details()
    assert given["name"] == card["input"]["name"] == "image"
    assert list(given["shape"]) == card["input"]["shape"]
    outputs = {d["name"]: list(d["shape"]) for d in interpreter.get_output_details()}
    assert outputs == {name: entry["shape"] for name, entry in card["outputs"].items()}
    assert card["bytes"] == path.stat().st_size
    assert sum(entry[1] for entry in card["outputs"]["parameters"]["order"]) == 12
    names = card["outputs"]["landmarks"]["names"]
    assert len(names) == len(set(names)) == card["outputs"]["landmarks"]["shape"][1]
    assert names[0] == "jaw 1" and names[36] == "left eye 1" and names[67] == "inner lips 8"
    assert sorted(file.name for file in path.parent.iterdir()) == ["face.json", "face.tflite"]


def test_a_file_that_exists_is_left_alone(normaliser, tmp_path):
    (tmp_path / "face.json").write_text("mine")
    with pytest.raises(FileExistsError, match=r"face\.json exists"):
        export_tflite(normaliser, tmp_path / "face.tflite")
    assert [file.name for file in tmp_path.iterdir()] == ["face.json"]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_free_batch_has_the_answers_of_keras(normaliser, photographs, precision):
    from ai_edge_litert import interpreter as litert

    model = tflite_model(normaliser, precision, batch=None)
    interpreter = litert.Interpreter(model_content=model)
    (given,) = interpreter.get_input_details()
    assert list(given["shape_signature"]) == [-1, SIZE, SIZE, 3]
    interpreter.resize_tensor_input(given["index"], photographs.shape)
    received = interpreter.get_signature_runner("serving_default")(image=photographs)
    expected = trained_network(normaliser)(photographs, training=False)
    np.testing.assert_allclose(
        received["landmarks"], expected["landmarks"], atol=TOLERANCE[precision]
    )
    assert received["texture"].shape == expected["texture"].shape


@pytest.mark.parametrize("visibility", ["table", "depth"])
@pytest.mark.parametrize("batch", [1, None])
def test_exact_masks_are_those_of_keras(normaliser, photographs, visibility, batch):
    from ai_edge_litert import interpreter as litert

    images = photographs[:batch]
    model = tflite_model(normaliser, batch=batch, visibility=visibility)
    interpreter = litert.Interpreter(model_content=model)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], images.shape)
    received = interpreter.get_signature_runner("serving_default")(image=images)
    network = trained_network(normaliser, visibility=visibility)
    expected = network(images, training=False)
    np.testing.assert_array_equal(received["mask"], expected["mask"])
    np.testing.assert_allclose(received["texture"], expected["texture"], atol=0.5)


def test_an_unknown_visibility_is_refused(normaliser):
    with pytest.raises(ValueError, match="normals, table, depth, received 'rays'"):
        tflite_model(normaliser, visibility="rays")


@pytest.mark.parametrize("precision", ["dynamic", "integer"])
def test_a_free_batch_has_no_integers(normaliser, precision):
    with pytest.raises(ValueError, match=f"float32 or float16, received '{precision}'"):
        tflite_model(normaliser, precision, batch=None)


def test_another_batch_is_refused(normaliser):
    with pytest.raises(ValueError, match="a batch of 1 or None"):
        tflite_model(normaliser, batch=4)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_gpu_delegate_takes_all_operators(models, precision, capfd):
    tf.lite.experimental.Analyzer.analyze(model_content=models[precision], gpu_compatibility=True)
    assert "Your model looks compatible with GPU delegate" in capfd.readouterr().out


def test_gathers_have_one_dimensional_indices(models):
    for model in models.values():
        graph = flatbuffer_utils.convert_bytearray_to_object(model).subgraphs[0]
        codes = flatbuffer_utils.convert_bytearray_to_object(model).operatorCodes
        gathers = [
            operator
            for operator in graph.operators
            if codes[operator.opcodeIndex].builtinCode == schema.BuiltinOperator.GATHER
        ]
        assert gathers
        for operator in gathers:
            assert len(graph.tensors[operator.inputs[1]].shape) == 1


def test_a_full_disk_leaves_neither_file(normaliser, tmp_path, monkeypatch):
    def full(path, text):
        raise OSError("disk full")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="disk full"):
        export_tflite(normaliser, tmp_path / "new" / "face.tflite")
    assert list(tmp_path.iterdir()) == []


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


def test_a_model_with_other_inputs_is_not_renamed():
    two = converted(lambda image, features: image * features, "image", "features")
    with pytest.raises(ValueError, match="1 inputs and 1 outputs, received one with 2 and 1"):
        rename_tensors(two, ["image"], ["product"])
