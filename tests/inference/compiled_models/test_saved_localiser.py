"""Normalisers of a folder whose models were compiled by another one: all as without that."""

import copy
import json
import pickle
import shutil
import threading
import zipfile

import keras
import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference import compiled_localiser
from keras_3dmmstn.inference.compiled_models import geometry_functions
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import pretrained
from tests.support.small_network import SIZE, small_backbone, small_normaliser

BOX = [[20.0, 20.0, 60.0, 60.0]]


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def small():
    return small_normaliser(confidence=True)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_3DMMSTN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def prepared(small, tmp_path_factory):
    """A folder of weights, and one of their compiled models."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KERAS_3DMMSTN_CACHE", str(folder / "cache"))
        small.save(folder / "weights")
        Normaliser.load(folder / "weights")
    assert len(list((folder / "cache").iterdir())) == 3
    return folder


@pytest.fixture
def weights(cache, prepared, tmp_path):
    """A folder of weights whose models are kept."""
    shutil.copytree(prepared / "cache", cache)
    return shutil.copytree(prepared / "weights", tmp_path / "weights")


@pytest.fixture
def nothing_is_made(monkeypatch):
    """Has whatever reads a localiser or compiles a function fail."""

    def fail(*arguments):
        pytest.fail("a model was made")

    monkeypatch.setattr(pretrained, "load_localiser", fail)
    monkeypatch.setattr(compiled_localiser.CompiledFunction, "__init__", fail)
    monkeypatch.setattr(geometry_functions, "GeometryFunctions", fail)


def assert_equal_faces(found, expected):
    (found,), (expected,) = found, expected
    for name in ("texture", "mask", "vertices", "points", "visible", "confidence"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)
    for name, value in expected.parameters.items():
        np.testing.assert_array_equal(found.parameters[name], value, name)


def copied_weights(weights, tmp_path):
    return shutil.copytree(weights, tmp_path / "other")


def rewritten(path, change):
    """Changes the layers' configuration in a `.keras` file."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    change(config)
    files["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def test_the_numbers_are_those_of_models_that_are_made(
    weights, photograph, monkeypatch, request, small
):
    expected = small(photograph, BOX)
    with monkeypatch.context() as without:
        without.setenv("KERAS_3DMMSTN_CACHE", "")
        assert_equal_faces(Normaliser.load(weights)(photograph, BOX), expected)
    request.getfixturevalue("nothing_is_made")
    assert_equal_faces(Normaliser.load(weights)(photograph, BOX), expected)


def test_a_localiser_without_a_confidence_is_kept(cache, tmp_path, photograph, request):
    plain = small_normaliser()
    plain.save(tmp_path / "weights")
    Normaliser.load(tmp_path / "weights")
    expected = plain(photograph, BOX)
    request.getfixturevalue("nothing_is_made")
    assert_equal_faces(Normaliser.load(tmp_path / "weights")(photograph, BOX), expected)


def test_the_same_weights_elsewhere_have_the_same_models(weights, tmp_path, nothing_is_made):
    Normaliser.load(copied_weights(weights, tmp_path))


def test_a_localiser_that_is_given_is_not_kept(cache, photograph):
    small_normaliser()(photograph, BOX)
    assert not cache.exists()


def test_other_weights_have_other_models(weights, photograph, small):
    localiser = keras.models.clone_model(small.localiser)
    localiser.set_weights([0.9 * values for values in small.localiser.get_weights()])
    other = Normaliser(localiser, small.grid_model)
    other.save(weights)
    assert_equal_faces(Normaliser.load(weights)(photograph, BOX), other(photograph, BOX))


def test_another_face_model_has_other_models(weights, photograph, small):
    face = small.grid_model
    other_face = GridModel(0.9 * face.mean, face.basis, face.grid_shape, face.landmarks)
    other_face.save(weights / "face_model.npz")
    loaded = Normaliser.load(weights)
    other = Normaliser(small.localiser, loaded.grid_model)
    assert_equal_faces(loaded(photograph, BOX), other(photograph, BOX))


def test_another_mask_has_another_model(weights, photograph, small):
    other = Normaliser(small.localiser, small.grid_model, "normals")
    for _ in range(2):
        loaded = Normaliser.load(weights, "normals")
        assert_equal_faces(loaded(photograph, BOX), other(photograph, BOX))


def test_a_camera_has_other_models(weights, photograph, small):
    other = Normaliser(small.localiser, small.grid_model, focal_length=2.0)
    other.camera.save(weights)
    for _ in range(2):
        assert_equal_faces(Normaliser.load(weights)(photograph, BOX), other(photograph, BOX))


def test_damaged_models_are_made_again(weights, cache, photograph, small, request):
    for path in cache.iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert_equal_faces(Normaliser.load(weights)(photograph, BOX), small(photograph, BOX))
    request.getfixturevalue("nothing_is_made")
    Normaliser.load(weights)


def test_a_missing_model_is_made_again(weights, cache, photograph, small):
    path = min(cache.iterdir(), key=lambda path: path.stat().st_size)  # one of the two of geometry
    path.unlink()
    assert_equal_faces(Normaliser.load(weights)(photograph, BOX), small(photograph, BOX))
    assert path.exists()


def test_the_localiser_is_there_when_it_is_asked_for(weights, small, photograph, tmp_path):
    loaded = Normaliser.load(weights)
    shutil.rmtree(weights)  # it may have been a temporary folder
    localiser = loaded.localiser
    assert isinstance(localiser, keras.Model)
    assert loaded.localiser is localiser
    for found, expected in zip(localiser.get_weights(), small.localiser.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    loaded.save(tmp_path / "again")
    again = Normaliser.load(tmp_path / "again")
    assert_equal_faces(again(photograph, BOX), small(photograph, BOX))


def test_threads_that_ask_for_the_localiser_get_one(weights):
    loaded, found = Normaliser.load(weights), []
    threads = [threading.Thread(target=lambda: found.append(loaded.localiser)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(map(id, found))) == 1


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, copy.copy, lambda value: pickle.loads(pickle.dumps(value))]
)
@pytest.mark.parametrize("is_read", [False, True])
def test_it_is_copied_and_pickled(weights, photograph, small, copied, is_read):
    loaded = Normaliser.load(weights)
    if is_read:
        loaded.localiser.get_layer("head").bias.assign_add(np.ones(loaded.grid_model.modes + 6))
    twin = copied(loaded)
    shutil.rmtree(weights)
    assert_equal_faces(twin(photograph, BOX), small(photograph, BOX))
    for found, expected in zip(
        twin.localiser.get_weights(), loaded.localiser.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_what_is_wrong_with_the_files_is_said_all_the_same(weights, tmp_path):
    cases = copied_weights(weights, tmp_path)
    (cases / "localiser.keras").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"localiser.keras: expected a localiser that Keras saved"):
        Normaliser.load(cases)
    shutil.copy(weights / "localiser.keras", cases)
    (cases / "face_model.npz").write_bytes(b"no archive")
    with pytest.raises(ValueError, match=r"face_model\.npz"):
        Normaliser.load(cases)
    face = toy_grid_model((16, 12))
    GridModel(face.mean, face.basis[:3], face.grid_shape).save(cases / "face_model.npz")
    with pytest.raises(ValueError, match=r"expects a localiser with output of shape \(None, 9\)"):
        Normaliser.load(cases)
    (cases / "face_model.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"face_model\.npz"):
        Normaliser.load(cases)


def test_wrong_settings_are_refused_all_the_same(weights):
    with pytest.raises(ValueError, match="rays"):
        Normaliser.load(weights, visibility="rays")
    with pytest.raises(ValueError, match="32"):
        Normaliser.load(weights, texture_size=8)
    with pytest.raises(ValueError, match="black"):
        Normaliser.load(weights, fill="black")


def test_a_localiser_that_is_refused_is_not_kept(cache, tmp_path):
    normaliser = small_normaliser()
    kernel, bias = normaliser.localiser.get_layer("head").get_weights()
    normaliser.localiser.get_layer("head").set_weights([kernel * np.nan, bias])
    normaliser.save(tmp_path / "weights")
    for _ in range(2):
        with pytest.raises(ValueError, match="expected finite weights"):
            Normaliser.load(tmp_path / "weights")
    assert not cache.exists()


def test_a_localiser_with_layers_of_others_is_not_kept(cache, tmp_path):
    """Their code may change, and the file stays the same."""

    @keras.saving.register_keras_serializable(package="tests")
    class Shift(keras.layers.Layer):
        by = 0.0

        def call(self, theta):
            return theta + self.by

    grid_model = toy_grid_model((16, 12))
    image = keras.Input((SIZE, SIZE, 3))
    theta = keras.layers.Dense(6 + grid_model.modes)(small_backbone()(image))
    localiser = keras.Model(image, Shift()(theta))
    Normaliser(localiser, grid_model).save(tmp_path / "weights")
    crop = np.zeros((1, SIZE, SIZE, 3), np.float32)
    expected = Normaliser.load(tmp_path / "weights").fit(crop).parameters
    Shift.by = 1.0
    found = Normaliser.load(tmp_path / "weights").fit(crop).parameters
    np.testing.assert_allclose(found, expected + 1, atol=1e-6)


def test_a_file_that_changes_while_keras_reads_it_is_not_kept(weights, cache, monkeypatch, small):
    kept = {path.name for path in cache.iterdir()}
    load = pretrained.load_localiser

    def load_and_change(path):
        localiser = load(path)
        rewritten(path, lambda config: config.update(another="one"))
        return localiser

    monkeypatch.setattr(pretrained, "load_localiser", load_and_change)
    rewritten(weights / "localiser.keras", lambda config: config.update(a="new one"))
    Normaliser.load(weights)
    assert {path.name for path in cache.iterdir()} == kept


def test_a_folder_that_cannot_be_written_changes_nothing(tmp_path, monkeypatch, photograph, small):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KERAS_3DMMSTN_CACHE", str(tmp_path / "file"))
    small.save(tmp_path / "weights")
    for _ in range(2):
        loaded = Normaliser.load(tmp_path / "weights")
        assert_equal_faces(loaded(photograph, BOX), small(photograph, BOX))
