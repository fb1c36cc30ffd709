"""Exported networks measured as trained ones are."""

import dataclasses

import numpy as np
import pytest

from keras_3dmmstn.export.exported_localiser import is_exported, load_exported
from keras_3dmmstn.export.mobile.tflite import export_tflite
from keras_3dmmstn.export.onnx import export_onnx
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.small_network import SIZE, small_normaliser


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


@pytest.fixture
def path(normaliser, tmp_path):
    return export_tflite(normaliser, tmp_path / "face.tflite")


def test_its_parameters_are_those_of_the_localiser(path, normaliser, rng):
    exported = load_exported(path, normaliser.grid_model)
    assert exported.image_size == SIZE
    crops = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    received, expected = exported.fit(crops), normaliser.fit(crops)
    np.testing.assert_allclose(received.parameters, expected.parameters, atol=1e-4)


def test_its_confidence_is_that_of_the_localiser(tmp_path, rng):
    sure = small_normaliser(confidence=True)
    path = export_tflite(sure, tmp_path / "face.tflite")
    crops = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    received = load_exported(path, sure.grid_model).fit(crops).confidence
    np.testing.assert_allclose(received, sure.fit(crops).confidence, atol=1e-5)


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
    with pytest.raises(ValueError, match=r"face\.tflite: its runtime refuses it"):
        load_exported(path, normaliser.grid_model)
