"""Exported networks measured as trained ones are."""

import dataclasses
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from keras_3dmmstn.export import exported_localiser
from keras_3dmmstn.export.card import read_card
from keras_3dmmstn.export.exported_localiser import is_exported, load_exported
from keras_3dmmstn.export.mobile.tflite import export_tflite
from keras_3dmmstn.export.onnx import export_onnx
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.small_network import SIZE, small_normaliser


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


@pytest.fixture(scope="module")
def exported_once(normaliser, tmp_path_factory):
    """A `.tflite` file beside its card, not to be changed."""
    return export_tflite(normaliser, tmp_path_factory.mktemp("exported") / "face.tflite")


@pytest.fixture
def path(exported_once, tmp_path):
    """A `.tflite` file of the test's own, with its card."""
    shutil.copy(exported_once.with_suffix(".json"), tmp_path)
    return shutil.copy(exported_once, tmp_path / "face.tflite")


def test_its_parameters_are_those_of_the_localiser(path, normaliser, rng):
    exported = load_exported(path, normaliser.grid_model)
    assert exported.image_size == SIZE
    crops = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    received, expected = exported.fit(crops), normaliser.fit(crops)
    np.testing.assert_allclose(received.parameters, expected.parameters, atol=1e-4)


def test_its_confidence_and_spread_are_those_of_the_localiser(tmp_path, rng):
    sure = small_normaliser(confidence=True)
    path = export_tflite(sure, tmp_path / "face.tflite")
    crops = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    received, expected = load_exported(path, sure.grid_model).fit(crops), sure.fit(crops)
    np.testing.assert_allclose(received.confidence, expected.confidence, atol=1e-5)
    np.testing.assert_allclose(received.spread, expected.spread, atol=1e-5)


def test_it_normalises_photographs_as_the_trained_one_does(path, normaliser, rng):
    photograph, boxes = rng.integers(0, 256, (90, 110, 3), np.uint8), [[20, 20, 70, 75]]
    (received,) = load_exported(path, normaliser.grid_model)(photograph, boxes)
    (expected,) = normaliser(photograph, boxes)
    np.testing.assert_allclose(received.points, expected.points, atol=1e-2)
    assert (received.mask == expected.mask).mean() > 0.99


def test_an_onnx_file_has_its_card_in_itself(normaliser, tmp_path, rng):
    pytest.importorskip("onnxruntime", reason="the extra `export` is not installed")
    path = export_onnx(normaliser, tmp_path / "face.onnx", visibility="normals")
    exported = load_exported(path, normaliser.grid_model)
    assert exported.visibility == "normals"
    crops = rng.integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    expected = normaliser.fit(crops).parameters
    np.testing.assert_allclose(exported.fit(crops).parameters, expected, atol=1e-4)
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"face\.onnx: expected an ONNX file with its card"):
        load_exported(path, normaliser.grid_model)


def test_its_textures_have_the_size_of_the_files(normaliser, tmp_path, rng):
    path = export_tflite(normaliser, tmp_path / "face.tflite", texture_size=64)
    photograph, boxes = rng.integers(0, 256, (90, 110, 3), np.uint8), [[20, 20, 70, 75]]
    (received,) = load_exported(path, normaliser.grid_model)(photograph, boxes)
    larger = Normaliser(normaliser.localiser, normaliser.grid_model, texture_size=64)
    (expected,) = larger(photograph, boxes)
    assert received.texture.shape == (64, 64, 3)
    assert (received.mask == expected.mask).mean() > 0.99


def test_without_a_size_they_have_that_of_the_grid(path, normaliser):
    assert load_exported(path, normaliser.grid_model).texture_size is None


def test_exported_paths_are_told_from_others(path, tmp_path):
    assert is_exported(path) and is_exported(tmp_path / "face.onnx")
    assert not is_exported(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    assert is_exported(tmp_path)


def test_another_face_model_is_refused(path):
    with pytest.raises(ValueError, match="exported with the face model"):
        load_exported(path, dataclasses.replace(toy_grid_model((16, 12)), name="other"))


def test_a_file_that_is_not_there_is_named(tmp_path, normaliser):
    with pytest.raises(FileNotFoundError, match=r"there is no .*face\.onnx"):
        load_exported(tmp_path / "face.onnx", normaliser.grid_model)


def test_a_damaged_file_is_named(path, normaliser):
    path.write_bytes(b"no model")
    refusal = r"face\.tflite: expected an exported network, but its runtime refuses it: "
    with pytest.raises(ValueError, match=refusal):
        load_exported(path, normaliser.grid_model)


@pytest.mark.parametrize("damage", [b"", b"\x08\x01", None])
def test_a_damaged_saved_model_is_named(damage, normaliser, small_version, tmp_path):
    version = shutil.copytree(small_version, tmp_path / "1")
    graph = version / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:5000] if damage is None else damage)
    with pytest.raises(ValueError, match="1: expected an exported network, but its runtime"):
        load_exported(version, normaliser.grid_model)


def test_a_damaged_onnx_file_with_a_card_beside_it_is_named(normaliser, path):
    onnx = path.with_suffix(".onnx")  # the card is that of the other file
    onnx.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"face\.onnx: expected an exported network"):
        load_exported(onnx, normaliser.grid_model)


def test_a_file_that_ends_its_process_ends_another_one(path, normaliser, monkeypatch):
    run, crash = subprocess.run, "import os; os.kill(os.getpid(), 11)"
    monkeypatch.setattr(
        subprocess, "run", lambda _, **options: run([sys.executable, "-c", crash], **options)
    )
    with pytest.raises(ValueError, match=r"refuses it: it does not run: signal 11"):
        load_exported(path, normaliser.grid_model)


def test_what_fails_while_it_runs_is_named(path, normaliser):
    exported = load_exported(path, normaliser.grid_model)

    def fail(crops):
        raise RuntimeError("gather index out of bounds")

    exported.localiser._run = fail
    with pytest.raises(ValueError, match=r"face\.tflite: .* refuses it: gather index"):
        exported.localiser(np.zeros((1, SIZE, SIZE, 3)))
    exported.localiser._run = lambda crops: {"parameters": np.zeros((1, 3))}
    with pytest.raises(ValueError, match=r"face\.tflite: expected `parameters` of shape \(1, 12\)"):
        exported.localiser(np.zeros((1, SIZE, SIZE, 3)))


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        "[" * 100_000,
        "\xff",
        '{"face_model": "a", "outputs": []}',
        '{"face_model": "a", "input": {"shape": [1, -4, 5, 3]}}',
        '{"face_model": "a", "input": {"shape": [1, 5, 5, 3]}, "outputs": {"parameters": 3}}',
    ],
)
def test_a_card_that_is_none_is_named(content, path, normaliser):
    path.with_suffix(".json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"face\.json: expected the card of an export"):
        load_exported(path, normaliser.grid_model)


@pytest.mark.parametrize(
    ("output", "name", "value", "message"),
    [
        ("mask", "method", "guess", "method"),
        ("texture", "shape", [1, 112, 64, 3], r"square textures.*\(112, 64\)"),
        ("texture", "shape", [1, 16, 16, 3], "texture"),
    ],
)
def test_a_card_of_no_network_is_named(output, name, value, message, path, normaliser):
    card = read_card(path)
    card["outputs"][output][name] = value
    path.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=rf"card of .*describes no network: .*{message}"):
        load_exported(path, normaliser.grid_model)


def test_answers_that_are_not_finite_are_refused(path, normaliser, monkeypatch):
    monkeypatch.setattr(
        exported_localiser, "run_artefact", lambda *_: ({"parameters": np.array([[np.nan]])}, {})
    )
    with pytest.raises(ValueError, match="what it says is not finite"):
        load_exported(path, normaliser.grid_model)
