import dataclasses
import math

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


def oracle(moved_by, landmarks, grid_shape, length):
    """What landmarks moved by `(n, 3)`, spread over the grid by loops."""

    def covariance(one, other):
        (row, column), (other_row, other_column) = divmod(one, width), divmod(other, width)
        square = ((row - other_row) ** 2 + (column - other_column) ** 2) / length**2
        return math.exp(-square / 2) + 0.1 * math.exp(-square / (2 * 0.4**2))

    width = grid_shape[1]
    seen = np.array([[covariance(p, q) + 0.05 * (p == q) for q in landmarks] for p in landmarks])
    weights = np.linalg.inv(seen) @ moved_by
    spread = np.zeros((math.prod(grid_shape), 3))
    for vertex in range(len(spread)):
        for landmark, weight in zip(landmarks, weights, strict=True):
            spread[vertex] += covariance(vertex, landmark) * weight
    return spread


def test_what_landmarks_moved_by_is_spread_as_by_loops(grid_model, rng):
    landmarks = np.unique(grid_model.landmarks["ibug68"])[:20]
    moved_by = still(grid_model)
    moved_by[0, landmarks] = rng.normal(size=(20, 3))
    moved_by[2, landmarks[3]] = [0.5, 0.0, -1.0]
    refined = refined_grid_model(moved_network(grid_model, moved_by), grid_model, smoothness=2.5)
    shape = grid_model.grid_shape
    for number, before, after in (
        (0, grid_model.mean, refined.mean),
        (2, grid_model.basis[1], refined.basis[1]),
    ):
        expected = oracle(moved_by[number, landmarks], landmarks, shape, 2.5)
        np.testing.assert_allclose(after - before, expected, atol=2e-4)
    np.testing.assert_array_equal(refined.basis[0], grid_model.basis[0])


def test_one_landmark_takes_its_neighbours_along_and_nothing_far_away(grid_model):
    moved_by, vertex = still(grid_model), grid_model.landmarks["ibug68"][30]
    moved_by[0, vertex] = [1.0, -2.0, 3.0]
    refined = refined_grid_model(moved_network(grid_model, moved_by), grid_model, smoothness=1.5)
    change = np.linalg.norm(refined.mean - grid_model.mean, axis=1) / np.sqrt(14)
    assert change[vertex] == pytest.approx(1.1 / 1.15, rel=1e-3)
    assert 0.7 < change[vertex + 1] < 0.8
    assert change[0] < 1e-4


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


def test_what_an_average_rounds_off_is_no_movement(grid_model):
    moved_by = still(grid_model)
    moved_by[0, grid_model.landmarks["ibug68"][30]] = [1.0, -2.0, 3.0]
    expected = refined_grid_model(moved_network(grid_model, moved_by), grid_model, smoothness=1.5)
    moved_by[0, ::5, 1] += 4e-6
    model = moved_network(grid_model, moved_by)
    refined = refined_grid_model(model, grid_model, smoothness=1.5)
    np.testing.assert_allclose(refined.mean, expected.mean, atol=1e-4)


def test_named_expressions_stay_what_they_were(grid_model, rng):
    count = grid_model.modes - grid_model.identity_count
    units = {"smile": rng.normal(size=count), "frown": rng.normal(size=count)}
    named = dataclasses.replace(grid_model, expression_units=units)
    mixed = rng.normal(size=(count, count))  # other modes, of the same space
    basis = named.basis[named.identity_count :]
    moved_by = still(named)
    moved_by[1 + named.identity_count :] = np.tensordot(mixed, basis, axes=1) - basis
    same = refined_grid_model(network(named), named)
    refined = refined_grid_model(moved_network(named, moved_by), named)
    for name, coefficients in units.items():
        np.testing.assert_array_equal(same.expression_units[name], coefficients.astype(np.float32))
        expected = np.linalg.solve(mixed.T, coefficients)
        np.testing.assert_allclose(refined.expression_units[name], expected, rtol=1e-3, atol=1e-4)
