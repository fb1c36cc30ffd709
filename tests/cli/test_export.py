"""`keras-3dmmstn export`, run as a user runs it."""

import dataclasses
import json

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import Normaliser, build_localiser
from keras_3dmmstn.export import parity
from keras_3dmmstn.export.card import read_card
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.command_line import assert_fails, run
from tests.support.small_network import SIZE, small_backbone, small_normaliser


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    small_normaliser().save(folder)
    return folder


@pytest.fixture(autouse=True)
def one_run_of_an_artefact(monkeypatch):
    """Fresh processes take seconds: the same latency is reported for both numbers of threads."""
    run, results = parity.run_artefact, {}

    def once(kind, artefact, images, threads):
        if artefact not in results:
            results[artefact] = run(kind, artefact, images, threads)
        return results[artefact]

    monkeypatch.setattr(parity, "run_artefact", once)


def export(*arguments):
    return run("export", *arguments)


def test_a_saved_model_is_written_and_compared(weights, tmp_path, rng):
    photograph = tmp_path / "photograph.png"
    cv2.imwrite(str(photograph), rng.integers(0, 256, (70, 90, 3), np.uint8))
    out, numbers = tmp_path / "new" / "out", tmp_path / "numbers.json"
    result = export(
        weights, "--to", "saved-model", "--out", out, "--photographs", photograph, "--json", numbers
    )
    assert result.exit_code == 0, result.output
    version = out / "keras_3dmmstn" / "1"
    assert str(version) in result.output.replace("\n", "")
    outputs = tf.saved_model.load(str(version)).signatures["fit"](
        image=tf.constant(rng.uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32))
    )
    assert outputs["landmarks"].shape == (1, 68, 2)

    report = json.loads(numbers.read_text())
    assert report["photographs"] == 13  # eight portraits, four rendered, one chosen
    (artefact,) = report["artefacts"]
    assert artefact["format"] == "saved-model" and artefact["path"] == str(version)
    assert artefact["landmarks_px"]["max"] <= 0.05
    assert set(artefact["latency_ms"]) == {"1", "2"}


def test_tensorflow_lite_files_take_any_batch_where_asked(weights, tmp_path):
    result = export(weights, "--to", "tflite", "--any-batch", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "out" / "keras_3dmmstn-float16.json").read_text())
    assert card["input"]["shape"] == [None, SIZE, SIZE, 3]
    assert len(list((tmp_path / "out").iterdir())) == 4  # two precisions, with their cards


def test_textures_have_the_size_that_is_asked_for(weights, tmp_path):
    pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    out = tmp_path / "out"
    result = export(weights, "--to", "onnx", "--texture-size", 224, "--out", out)
    assert result.exit_code == 0, result.output
    outputs = read_card(out / "keras_3dmmstn.onnx")["outputs"]
    assert outputs["texture"]["shape"] == [None, 224, 224, 3]
    assert outputs["mask"]["shape"] == [None, 224, 224, 1]


def test_a_texture_size_out_of_range_is_named(weights, tmp_path):
    out = tmp_path / "out"
    result = export(weights, "--to", "saved-model", "--texture-size", 4096, "--out", out)
    assert_fails(result, "Expected a texture size from 32 to 2048 pixels", "received 4096.")
    assert not out.exists()


def test_integers_with_any_batch_are_refused(weights, tmp_path):
    out = tmp_path / "out"
    arguments = ("--to", "tflite", "--any-batch", "--precision", "integer", "--out", out)
    result = export(weights, *arguments)
    assert result.exit_code == 1 and "float32 or float16, received 'integer'" in result.output
    assert not out.exists()


def test_existing_files_are_refused_at_once_and_replaced_on_request(weights, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "keras_3dmmstn-float32.tflite").write_bytes(b"an older export")
    options = ("--to", "tflite", "--precision", "float32", "--out", out)
    with monkeypatch.context() as patch:
        patch.setattr("keras_3dmmstn.cli.export.load_normaliser", None)  # is not come to
        result = export(weights, *options)
    assert_fails(result, "keras_3dmmstn-float32.tflite exist", "or --overwrite")
    result = export(weights, *options, "--overwrite")
    assert result.exit_code == 0, result.output
    assert (out / "keras_3dmmstn-float32.tflite").stat().st_size > 1000
    assert "0.00% (0.0%)" in result.output  # landmarks beyond 0.05 pixels, and how many may be


def test_an_artefact_that_differs_leaves_nothing(weights, tmp_path, monkeypatch):
    once = parity.run_artefact

    def moved(*arguments):
        outputs, latency = once(*arguments)
        return {**outputs, "landmarks": outputs["landmarks"] + 1}, latency

    monkeypatch.setattr(parity, "run_artefact", moved)
    options = ("--to", "tflite", "--precision", "float32")
    result = export(weights, *options, "--out", tmp_path / "out")
    assert result.exit_code == 1
    message = "keras_3dmmstn-float32.tflite: it differs from the network: 100"
    assert message in result.output.replace("\n", "")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_named(weights, tmp_path):
    result = export(weights, "--to", "coreml", "--out", tmp_path / "out")
    assert_fails(result, "--to expects saved-model, tflite, onnx or all, received 'coreml'.")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["onnx", "saved-model"])
def test_a_precision_without_tensorflow_lite_is_refused(format, weights, tmp_path):
    result = export(weights, "--to", format, "--precision", "float16", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"--precision goes with TensorFlow Lite only: {format} is float32." in result.output
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_named(weights, tmp_path):
    (tmp_path / "out").touch()
    result = export(weights, "--to", "onnx", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "out: expected a folder, but a file is there." in result.output.replace("\n", " ")


def test_missing_weights_are_named(tmp_path):
    result = export(tmp_path, "--out", tmp_path / "out")
    assert result.exit_code == 1 and "localiser.keras" in result.output


def test_a_photograph_that_is_none_is_named(weights, tmp_path):
    (tmp_path / "no.jpg").write_text("no photograph")
    result = export(weights, "--out", tmp_path / "out", "--photographs", tmp_path / "no.jpg")
    assert result.exit_code == 1 and "no.jpg: expected an image" in result.output
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_refused(weights, tmp_path):
    (tmp_path / "keras_3dmmstn" / "photographs").mkdir(parents=True)
    result = export(weights, "--out", tmp_path)
    assert result.exit_code == 1 and "holds photographs" in result.output


def test_the_only_landmarks_of_another_object_are_exported(tmp_path):
    model = toy_grid_model((16, 16))
    leaf = dataclasses.replace(model, landmarks={"leaf": model.landmarks["ibug68"][:5]})
    Normaliser(build_localiser(small_backbone(), leaf, SIZE), leaf).save(tmp_path / "leaf")
    result = export(tmp_path / "leaf", "--to", "saved-model", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    network = tf.saved_model.load(str(tmp_path / "out" / "keras_3dmmstn" / "1"))
    outputs = network.signatures["fit"](image=tf.zeros((1, SIZE, SIZE, 3)))
    assert outputs["landmarks"].shape == (1, 5, 2)
