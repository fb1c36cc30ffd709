import dataclasses

import keras
import numpy as np
import pytest

from keras_3dmmstn import GridModel, Normaliser, TrainingModel, spatial_transformer
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.losses import LandmarkLoss
from keras_3dmmstn.network.refinement import refined_grid_model

SIZE = 48


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 12))


def network(grid_model):
    image = keras.Input((SIZE, SIZE, 3))
    features = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(image))
    backbone = keras.Model(image, features)
    return spatial_transformer(grid_model, backbone, image_size=SIZE)


def moved_network(grid_model, moved_by):
    """A network whose mean and modes `(1 + modes, N, 3)` moved."""
    model = network(grid_model)
    layer = model.get_layer("morphable_model")
    layer.set_weights([grid_model.mean + moved_by[0], grid_model.basis + moved_by[1:]])
    return model


def still(grid_model):
    return np.zeros((1 + grid_model.modes, len(grid_model.mean), 3), np.float32)


def test_a_network_that_was_not_trained_has_its_own_face_model(grid_model):
    for smoothness in (0.0, 2.0):
        refined = refined_grid_model(network(grid_model), grid_model, smoothness)
        np.testing.assert_array_equal(refined.mean, grid_model.mean)
        np.testing.assert_array_equal(refined.basis, grid_model.basis)
        assert refined.identity_count == grid_model.identity_count
        assert refined.landmarks.keys() == grid_model.landmarks.keys()


def test_training_moves_the_landmarks_and_the_normaliser_uses_them(grid_model, rng, tmp_path):
    model = network(grid_model)
    model.get_layer("morphable_model").trainable = True
    trainer = TrainingModel(model)
    trainer.compile(keras.optimizers.SGD(1e-3), {"landmarks": LandmarkLoss()})
    images = rng.uniform(0, 255, (4, SIZE, SIZE, 3)).astype(np.float32)
    labels = np.concatenate([rng.uniform(0, SIZE, (4, 68, 2)), np.ones((4, 68, 1))], axis=-1)
    trainer.fit(images, {"landmarks": labels}, epochs=2, verbose=0)

    refined = refined_grid_model(model, grid_model)
    moved = np.flatnonzero((refined.mean != grid_model.mean).any(axis=1))
    assert 17 < len(moved) < len(grid_model.mean)
    Normaliser(model.get_layer("localiser"), refined).save(tmp_path)
    normaliser = Normaliser.load(tmp_path)
    np.testing.assert_array_equal(normaliser.grid_model.mean, refined.mean)

    # What the network says with its trained layer is what the normaliser says with the file.
    expected = model.predict(images, verbose=0)["parameters"]
    points = normaliser.grid_model.shape(expected[0, 6:])
    np.testing.assert_allclose(
        points, model.get_layer("morphable_model")(expected[:1, 6:])[0], atol=1e-4
    )


def test_a_spike_is_spread_over_its_neighbours(grid_model):
    moved_by = still(grid_model)
    vertex = 8 * 12 + 3
    moved_by[0, vertex] = [1.0, -2.0, 3.0]
    moved_by[2, vertex] = [0.5, 0.0, 0.0]
    model = moved_network(grid_model, moved_by)
    spread = refined_grid_model(model, grid_model, smoothness=1.5)
    for neighbour in (vertex, vertex + 1, vertex - 12):
        np.testing.assert_allclose(
            spread.mean[neighbour] - grid_model.mean[neighbour], [1.0, -2.0, 3.0], rtol=0.02
        )
    # Three standard deviations away half is left, and far away nothing.
    change = np.linalg.norm(spread.mean - grid_model.mean, axis=1)
    assert 0.4 < change[vertex + 4] / change[vertex] < 0.9
    assert change[11] < 1e-4
    moved_mode = (spread.basis[1] - grid_model.basis[1])[vertex + 1]
    np.testing.assert_allclose(moved_mode, [0.5, 0.0, 0.0], rtol=0.02, atol=1e-6)
    np.testing.assert_array_equal(spread.basis[0], grid_model.basis[0])


def test_between_two_spikes_is_their_mean(grid_model):
    moved_by = still(grid_model)
    left, right = 8 * 12 + 3, 8 * 12 + 7
    moved_by[0, left, 2], moved_by[0, right, 2] = 1.0, 3.0
    spread = refined_grid_model(moved_network(grid_model, moved_by), grid_model, smoothness=2.0)
    change = (spread.mean - grid_model.mean)[:, 2].reshape(16, 12)
    assert change[8, 5] == pytest.approx(2.0, rel=0.02)
    assert 1.0 < change[8, 3] < change[8, 4] < change[8, 5] < change[8, 7] < 3.0


def test_a_negative_smoothness_is_refused(grid_model):
    with pytest.raises(ValueError, match="at least 0, received -1"):
        refined_grid_model(network(grid_model), grid_model, smoothness=-1)


def test_a_network_without_a_face_model_is_refused(grid_model):
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="only")])
    with pytest.raises(ValueError, match=r"named morphable_model, received one with only\."):
        refined_grid_model(dense, grid_model)


def test_another_face_model_is_refused(grid_model):
    other = dataclasses.replace(grid_model, basis=grid_model.basis[:4], identity_count=2)
    assert isinstance(other, GridModel)
    with pytest.raises(ValueError, match="6 modes of 192 vertices, received one with 4 modes of"):
        refined_grid_model(network(grid_model), other)


def test_a_symmetric_movement_keeps_the_symmetry_of_mean_and_modes(grid_model, rng):
    flip = np.array([-1, 1, 1])
    mirror, kinds = grid_model.mirror, np.where(np.arange(grid_model.modes) % 2, -1, 1)
    modes = zip(rng.normal(size=grid_model.basis.shape), kinds, strict=True)
    basis = np.stack([mode + kind * mode[mirror] * flip for mode, kind in modes])
    symmetric = dataclasses.replace(grid_model, basis=basis.astype(np.float32))
    moved_by = rng.normal(size=still(grid_model).shape).astype(np.float32)
    refined = refined_grid_model(moved_network(symmetric, moved_by), symmetric, symmetric=True)
    np.testing.assert_allclose(refined.mean[mirror] * flip, refined.mean, atol=1e-4)
    for vertex in (3, 50):  # by hand: half of its own and of its twin's movement
        for number, kind in enumerate([1, *kinds]):
            own, twin = moved_by[number, vertex], moved_by[number, mirror[vertex]] * flip
            before = symmetric.mean if number == 0 else symmetric.basis[number - 1]
            after = refined.mean if number == 0 else refined.basis[number - 1]
            expected = before[vertex] + (own + kind * twin) / 2
            np.testing.assert_allclose(after[vertex], expected, atol=1e-4)


def test_a_symmetric_movement_needs_a_symmetric_face(grid_model):
    bent = dataclasses.replace(grid_model, mean=grid_model.mean + grid_model.mean[:, :1] ** 2)
    with pytest.raises(ValueError, match="its own reflection"):
        refined_grid_model(network(bent), bent, symmetric=True)


def test_where_all_vertices_moved_the_landmarks_keep_what_they_learnt(grid_model, rng):
    of_landmarks = still(grid_model)
    landmarks = grid_model.landmarks["ibug68"]
    of_landmarks[0, landmarks] = rng.normal(0, 3, (68, 3))
    of_all = of_landmarks + np.where(of_landmarks == 0, rng.normal(0, 0.1, of_landmarks.shape), 0)
    with_rest, alone = (
        refined_grid_model(moved_network(grid_model, by), grid_model, smoothness=1.0).mean
        - grid_model.mean
        for by in (of_all, of_landmarks)
    )
    assert np.corrcoef(with_rest[landmarks].ravel(), alone[landmarks].ravel())[0, 1] > 0.95
    assert with_rest[landmarks].std() > 0.9 * alone[landmarks].std()
    corner = np.abs(with_rest - alone)[0]
    assert 0 < corner.max() < 0.2  # of the others something smooth is left
