"""A perspective camera from training to the files that are exported."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import Normaliser
from keras_3dmmstn.export.card import camera_of_card, network_card
from keras_3dmmstn.export.mobile.mobile_network import placed, surface
from keras_3dmmstn.export.mobile.surface_factors import factorise_basis
from keras_3dmmstn.export.mobile.tflite import export_tflite, tflite_model
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.inference.camera import FILE, Camera
from keras_3dmmstn.inference.fitted_faces import FaceGeometry
from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.network import build_network, build_trainer
from tests.support import naive, tiny_run
from tests.support.small_network import SIZE, small_normaliser

FOCAL_LENGTH = 1.5
BOX = np.array([70.0, 50.0, 150.0, 140.0])
# Positions of up to 200 pixels in float32, through some ten operations.
CLOSE = 1e-3


@pytest.fixture(scope="module")
def normaliser():
    orthographic = small_normaliser()
    return Normaliser(orthographic.localiser, orthographic.grid_model, focal_length=FOCAL_LENGTH)


@pytest.fixture
def photograph(rng):
    smooth = tf.image.resize(rng.uniform(0, 255, (9, 9, 3)), (200, 240))
    return np.round(smooth).astype(np.uint8)


@pytest.mark.parametrize("focal_length", [0.0, -1.0, 1e-300, 10**400, np.inf, np.nan])
def test_a_focal_length_that_is_none_is_refused(focal_length):
    with pytest.raises(ValueError, match=r"number of image sides, from .* to .*, received"):
        Camera(focal_length)


def test_points_in_the_photograph_are_where_a_pinhole_camera_sees_them(normaliser, photograph):
    """In pixels of the photograph, whose crop has its middle on the optical axis."""
    (face,) = normaliser(photograph, BOX[None])
    parameters = face.parameters
    scale = np.exp(parameters["log_scale"])
    _, _, side = framing.crop_square(BOX)
    f, centre = FOCAL_LENGTH * side, np.array([(70 + 150) / 2, (50 + 140) / 2])
    place = [*((parameters["translation"] - centre) / scale), f / scale]
    rotated = naive.rotate_points(face.vertices, face.rotation_matrix)
    expected = naive.perspective_camera(rotated, np.array(place), f, centre)
    np.testing.assert_allclose(face.points, expected, atol=CLOSE)


def test_the_normaliser_sees_what_the_network_sees(normaliser, photograph):
    matrix = framing.crop_matrix(BOX, SIZE)
    crop = warp(photograph, matrix, SIZE)[None].astype(np.float32)
    (face,) = normaliser(photograph, BOX[None])
    for visibility in ("depth", "normals"):
        expected = trained_network(normaliser, visibility=visibility)(crop, training=False)
        other = Normaliser(normaliser.localiser, normaliser.grid_model, visibility, FOCAL_LENGTH)
        (seen,) = other(photograph, BOX[None])
        inside = np.all((seen.points >= 0) & (seen.points <= [239, 199]), axis=1)
        mask = expected["mask"].numpy()[0, ..., 0] > 0
        np.testing.assert_array_equal(seen.mask, mask & inside.reshape(mask.shape))
        assert 0 < seen.mask.mean() < 1
    landmarks = framing.apply_similarity(matrix, face.landmarks("ibug68"))
    np.testing.assert_allclose(landmarks, expected["landmarks"][0], atol=CLOSE)

    (flat,) = Normaliser(normaliser.localiser, normaliser.grid_model)(photograph, BOX[None])
    assert np.abs(flat.points - face.points).max() > 1, "the case must show perspective"
    assert "focal_length" not in flat.parameters
    zoom = matrix[0, 0]
    np.testing.assert_allclose(face.parameters["focal_length"], [FOCAL_LENGTH * SIZE / zoom])
    np.testing.assert_allclose(face.parameters["principal_point"], [110, 95], rtol=1e-6)


def test_saved_and_loaded_it_has_the_camera(normaliser, tmp_path):
    normaliser.save(tmp_path)
    assert Normaliser.load(tmp_path).camera == Camera(FOCAL_LENGTH)
    # What is saved there next does not inherit it.
    Normaliser(normaliser.localiser, normaliser.grid_model).save(tmp_path)
    assert Normaliser.load(tmp_path).camera == Camera()


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{}", '{"focal_length": -2}', '{"focal_length": "a"}'),
        *('{"focal_length": true}', '{"focal_length": "3"}', '{"focal_length": [3]}'),
    ],
)
def test_a_damaged_camera_is_named(content, tmp_path):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ValueError, match=r"camera\.json: expected JSON with a positive"):
        Camera.load(tmp_path)


def test_fitted_landmarks_are_those_of_the_network(normaliser, rng):
    crops = rng.uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    expected = trained_network(normaliser, "ibug68+aflw21")(crops, training=False)
    fitted = normaliser.fit(crops)
    received = np.concatenate([fitted.landmarks(name) for name in ("ibug68", "aflw21")], axis=1)
    np.testing.assert_allclose(received, expected["landmarks"], atol=CLOSE)


@pytest.mark.parametrize("depth", [200.0, 30.0, 5.0, -20.0])
def test_a_phone_projects_as_the_op_also_near_the_camera_and_behind_it(depth, rng):
    model = toy_grid_model((13, 10))
    scale = FOCAL_LENGTH * SIZE / depth if depth > 0 else 8.0
    pose = [0.3, -0.8, 0.2, 31.0, 17.0, np.log(scale)]
    theta = tf.constant([[*pose, *rng.normal(size=model.modes)]], tf.float32)
    intrinsics = Camera(FOCAL_LENGTH).intrinsics(np.eye(2, 3)[None], SIZE)
    geometry = FaceGeometry(model, SIZE, "normals", FOCAL_LENGTH)
    expected = geometry.fit(theta.numpy()).points[0]
    planes = surface(theta, model, factorise_basis(model, 13), axes=3)
    received = tf.transpose(placed(planes, theta, intrinsics))
    np.testing.assert_allclose(received, expected, rtol=1e-4, atol=CLOSE)


@pytest.mark.parametrize("batch", [1, None])
def test_a_tflite_file_answers_as_the_network(normaliser, rng, batch):
    from ai_edge_litert import interpreter as litert

    image = rng.uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32)
    expected = trained_network(normaliser)(image, training=False)
    interpreter = litert.Interpreter(model_content=tflite_model(normaliser, batch=batch))
    received = interpreter.get_signature_runner("serving_default")(image=image)
    np.testing.assert_allclose(received["landmarks"], expected["landmarks"], atol=CLOSE)
    np.testing.assert_allclose(received["texture"], expected["texture"], atol=1)
    np.testing.assert_array_equal(received["mask"], expected["mask"])


def test_a_card_says_which_camera_and_which_mask(normaliser, tmp_path):
    card = json.loads(json.dumps(network_card(normaliser, visibility="depth")))
    assert camera_of_card(card) == normaliser.camera
    assert card["camera"]["projection"] == "perspective"
    assert card["outputs"]["mask"]["method"] == "depth"
    flat = Normaliser(normaliser.localiser, normaliser.grid_model)
    assert network_card(flat)["camera"] == {"projection": "orthographic"}

    path = export_tflite(normaliser, tmp_path / "face.tflite")
    from keras_3dmmstn.export.exported_localiser import load_exported

    assert load_exported(path, normaliser.grid_model).camera == normaliser.camera


@pytest.mark.slow
def test_a_run_trains_with_the_camera_and_says_so(tmp_path, rng):
    settings = {"symmetry": 0.0, "mirror_pairs": 0.0}
    tiny_run.run(tmp_path, "run", focal_length=2.0, epochs=1, **settings)
    assert Normaliser.load(tmp_path / "run").camera == Camera(2.0)

    config = replace(tiny_run.tiny_config(tmp_path), **settings)
    crops = rng.uniform(0, 255, (2, config.image_size, config.image_size, 3)).astype(np.float32)
    labels = {"landmarks": rng.uniform(0, config.image_size, (2, 89, 3)).astype(np.float32)}
    losses = []
    for focal_length in (0.0, 2.0):
        chosen = replace(config, focal_length=focal_length)
        trainer = build_trainer(build_network(chosen, toy_grid_model((16, 16))), chosen, steps=1)
        losses.append(trainer.test_on_batch(crops, labels, return_dict=True)["loss"])
    assert losses[1] != pytest.approx(losses[0], rel=1e-4), "the camera must reach the loss"
