"""What the blocks of the page on other objects read, and must do: a toy of no kind, called car."""

import shutil
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from keras_3dmmstn import Normaliser, compact_localiser
from keras_3dmmstn.mesh import flatten_symmetric, resample
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from keras_3dmmstn.network import framing

PORTRAIT = Path(str(resources.files("keras_3dmmstn.assets"))) / "portrait.jpg"
PICTURES = 4
LANDMARKS = np.array([0, 30, 930, 960, 480])  # corners of the toy's 31 x 31, and middle


def write_meshes():
    toy, rng = toy_shape_model(31, 31), np.random.default_rng(4)
    offsets = np.tensordot(rng.normal(size=(12, toy.modes)), toy.basis, 1)
    np.save("meshes.npy", toy.mean + offsets)
    np.save("triangles.npy", toy.triangles)
    np.save("car_landmarks.npy", LANDMARKS)


def write_street():
    shutil.copy(PORTRAIT, "street.jpg")


def object_model():
    toy = toy_shape_model(31, 31)
    model = replace(toy, landmarks={"car": LANDMARKS})
    uv = flatten_symmetric(model.mean, model.triangles, model.mirror)
    return resample(model, uv, (17, 17))


def write_object_labels():
    object_model().save("cars.npz")
    rng = np.random.default_rng(0)
    np.save("images.npy", rng.uniform(0, 255, (PICTURES, 140, 140, 3)).astype(np.float32))
    landmarks = rng.uniform(0, 139, (PICTURES, len(LANDMARKS), 3)).astype(np.float32)
    np.save("landmarks.npy", landmarks)


def write_object_network():
    write_street()
    model = object_model()
    Normaliser(compact_localiser(model, 140), model).save("cars")


def check_object_model(names):
    model = names["grid_model"]
    assert model.grid_shape == (65, 65) and model.modes == 10


def check_object_crop(names):
    middle = framing.apply_similarity(names["matrix"], np.array([134.5, 133.0]))
    np.testing.assert_allclose(middle, 69.5)
    assert names["image"].shape == (140, 140, 3) and names["landmarks"].shape == (3, 3)


def check_object_training(names):
    assert np.isfinite(names["trainer"].get_metrics_result()["symmetry"])
    assert Path("cars/localiser.keras").exists()


def check_object_texture(names):
    assert names["car"].texture.shape == (256, 256, 3)
