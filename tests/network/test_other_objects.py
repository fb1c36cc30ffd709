"""From registered meshes of leaves, which have no symmetry, to their normalised textures."""

from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial.transform import Rotation

from keras_3dmmstn import Normaliser, TrainingModel, build_localiser, spatial_transformer
from keras_3dmmstn.drawing.render import render_mesh
from keras_3dmmstn.layers import ApparentLandmarkSelection, LandmarkSelection
from keras_3dmmstn.losses import LandmarkDistanceLoss, LandmarkError
from keras_3dmmstn.mesh import flatten_disc, resample, shape_model_from_meshes
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.grid_generator import landmark_selection
from keras_3dmmstn.reflection import with_reflections
from tests.support.small_network import small_backbone
from tests.support.toy_leaves import CORNERS, LANDMARKS, leaf_triangles, leaves

SIZE, PICTURE = 48, 120


@pytest.fixture(scope="module")
def grid_model():
    model = shape_model_from_meshes(leaves(), leaf_triangles(), 4, {"leaf": LANDMARKS})
    uv = flatten_disc(model.mean, model.triangles, CORNERS, evenness=0.5)
    return resample(model, uv, (20, 16))


def picture_of_a_leaf(rng):
    """Draws a leaf, red on its left and green on its right: picture, landmarks `(5, 3)`, box."""
    mesh = leaves(1, rng.integers(1 << 30))[0]
    turned = mesh @ Rotation.from_rotvec(rng.normal(0, 0.25, 3)).as_matrix().T
    colours = np.where(mesh[:, :1] < mesh[LANDMARKS[4], 0], [230, 40, 40], [40, 200, 40])
    view = (np.zeros(2), 260.0)
    background = tuple(rng.integers(0, 90, 3).tolist())
    picture = render_mesh(
        turned, leaf_triangles(), PICTURE, colours=colours, frame=view, background=background
    )
    points = turned[:, :2] * (PICTURE / 260) + (PICTURE - 1) / 2
    labels = np.column_stack([points[LANDMARKS], np.ones(5)])
    return picture, labels, framing.tight_box(points)


def crop(picture, labels, box):
    """The same as the network sees it."""
    matrix = framing.crop_matrix(box, SIZE)
    labels = np.column_stack([framing.apply_similarity(matrix, labels[:, :2]), labels[:, 2]])
    return cv2.warpAffine(picture, matrix, (SIZE, SIZE)).astype(np.float32), labels


@pytest.fixture(scope="module")
def network(grid_model):
    """Trained for some seconds, with the losses that need no symmetry."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = zip(*[crop(*picture_of_a_leaf(rng)) for _ in range(48)], strict=True)
    images, labels = np.stack(images), {"landmarks": np.stack(labels).astype(np.float32)}
    network = spatial_transformer(grid_model, small_backbone(), SIZE, "leaf")
    trainer = TrainingModel(network, shape_prior=0.01)
    trainer.compile(
        keras.optimizers.Adam(0.003),
        {"landmarks": LandmarkDistanceLoss()},
        metrics={"landmarks": LandmarkError()},
        jit_compile=False,
    )
    trainer.first_error = trainer.evaluate(images, labels, verbose=0, return_dict=True)["pixels"]
    trainer.fit(images, labels, batch_size=16, epochs=30, verbose=0)
    trainer.last_error = trainer.evaluate(images, labels, verbose=0, return_dict=True)["pixels"]
    return trainer


def test_training_brings_the_landmarks_of_leaves_nearer(network):
    assert network.last_error < 0.5 * network.first_error


def test_a_leaf_that_was_never_seen_is_normalised(network, grid_model):
    normaliser = Normaliser(network.model.get_layer("localiser"), grid_model, texture_size=32)
    picture, labels, box = picture_of_a_leaf(np.random.default_rng(77))
    (found,) = normaliser(picture, [box])
    untrained = Normaliser(build_localiser(small_backbone(), grid_model, SIZE), grid_model)
    (mean_shape,) = untrained(picture, [box])
    error, error_of_the_mean = (
        np.linalg.norm(leaf.landmarks("leaf") - labels[:, :2], axis=1).mean()
        for leaf in (found, mean_shape)
    )
    assert error < 0.6 * error_of_the_mean
    red, green = found.texture[8:24, :, 0].astype(int), found.texture[8:24, :, 1].astype(int)
    seen = found.mask[8:24]
    left = (red > green)[:, 3:10][seen[:, 3:10]]
    right = (red < green)[:, 22:29][seen[:, 22:29]]
    assert left.mean() > 0.9 and right.mean() > 0.9
    assert set(found.parameters) >= {"rotation", "identity"} and "leaf" in found.landmark_indices


def test_what_needs_a_face_says_so(network, grid_model):
    normaliser = Normaliser(network.model.get_layer("localiser"), grid_model)
    picture, _, box = picture_of_a_leaf(np.random.default_rng(5))
    (found,) = normaliser(picture, [box])
    with pytest.raises(ValueError, match="landmarks ibug68 to measure"):
        found.quantities()
    with pytest.raises(KeyError, match="landmark sets 'leaf'"):
        found.landmarks()
    with pytest.raises(ValueError, match="landmark sets of this one: 'leaf'"):
        next(normaliser.track(iter([picture])))


def test_the_network_can_be_written_and_read(network, grid_model, tmp_path):
    normaliser = Normaliser(network.model.get_layer("localiser"), grid_model)
    normaliser.save(tmp_path)
    picture, _, box = picture_of_a_leaf(np.random.default_rng(5))
    (before,), (after,) = normaliser(picture, [box]), Normaliser.load(tmp_path)(picture, [box])
    np.testing.assert_array_equal(before.texture, after.texture)


def test_the_landmarks_of_a_face_are_not_expected(grid_model):
    with pytest.raises(
        ValueError, match="landmark sets 'leaf' of the face model, received 'ibug68'"
    ):
        spatial_transformer(grid_model, small_backbone(), SIZE)
    localiser = build_localiser(small_backbone(), grid_model, SIZE, framed_by="leaf")
    assert localiser.output_shape == (None, 10)


def test_only_the_68_points_of_faces_have_a_jaw():
    model = toy_grid_model((16, 16))
    points = model.landmarks["ibug68"]
    model = replace(model, landmarks={"ibug68": points, "ibug68 without jaw": points[17:]})
    assert isinstance(landmark_selection(model, "ibug68"), ApparentLandmarkSelection)
    assert isinstance(landmark_selection(model, "ibug68 without jaw"), LandmarkSelection)


def test_reflections_need_landmarks_in_pairs(grid_model):
    with pytest.raises(ValueError, match="without a partner"):
        grid_model.mirror_permutation("leaf")
    labels = {"landmarks": tf.ones((1, 5, 3))}
    with pytest.raises(ValueError, match="of the 5 landmarks"):
        with_reflections(tf.zeros((1, 8, 8, 3)), labels)
