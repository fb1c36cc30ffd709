"""Exported networks measured as trained ones are."""

import dataclasses

import numpy as np
import pytest

from keras_3dmmstn.export.exported_normaliser import ExportedNormaliser, is_exported
from keras_3dmmstn.export.mobile.tflite import write_tflite
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.small_network import SIZE, small_normaliser

pytest.importorskip("ai_edge_litert", reason="the extra `export` is not installed")


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


@pytest.fixture
def path(normaliser, tmp_path):
    return write_tflite(normaliser, tmp_path / "face.tflite")


def test_its_parameters_are_those_of_the_localiser(path, normaliser, rng):
    exported = ExportedNormaliser(path, normaliser.grid_model)
    assert exported.image_size == SIZE
    crops = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    received = exported.localiser.predict_on_batch(crops)
    expected = normaliser.localiser.predict_on_batch(crops.astype(np.float32))
    np.testing.assert_allclose(received, expected, atol=1e-4)


def test_exported_paths_are_told_from_others(path, tmp_path):
    assert is_exported(path) and is_exported(tmp_path / "face.onnx")
    assert not is_exported(tmp_path)
    (tmp_path / "saved_model.pb").touch()
    assert is_exported(tmp_path)


def test_another_face_model_is_refused(path):
    with pytest.raises(ValueError, match="exported with the face model"):
        ExportedNormaliser(path, dataclasses.replace(toy_grid_model((16, 12)), name="other"))


def test_a_file_that_is_not_there_is_named(tmp_path, normaliser):
    with pytest.raises(FileNotFoundError, match=r"there is no .*face\.onnx"):
        ExportedNormaliser(tmp_path / "face.onnx", normaliser.grid_model)


def test_a_damaged_file_is_named(path, normaliser):
    path.write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"face\.tflite: its runtime refuses it"):
        ExportedNormaliser(path, normaliser.grid_model)
