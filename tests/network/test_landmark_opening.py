"""Lids and lips are as far apart as their labels, wherever the eye or the mouth is."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import losses
from keras_3dmmstn.mesh.landmark_sets import IBUG68_NAMES
from keras_3dmmstn.network.landmark_opening import OPENINGS
from tests.support.gradients import assert_gradient_is_correct, gradients_of

PAIRS = ((0, 2), (3, 1))


def labels_of(position, confidence):
    return np.concatenate([position, np.asarray(confidence, float)[..., None]], axis=-1)


def test_opening_loss_is_the_softened_mean_error_of_the_offsets(rng):
    predicted, position = rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 5, 2))
    confidence = [[1.0, 0.5, 0.2, 2.0, 1.0], [0.0, 0.3, 1.0, 1.0, 0.0]]
    loss = losses.opening_loss(
        tf.constant(labels_of(position, confidence)), tf.constant(predicted), PAIRS, softness=0.7
    )
    for face in range(2):
        total = weights = 0.0
        for a, b in PAIRS:
            dx, dy = predicted[face, a] - predicted[face, b]
            lx, ly = position[face, a] - position[face, b]
            weight = min(confidence[face][a], confidence[face][b])
            total += weight * (((dx - lx) ** 2 + (dy - ly) ** 2 + 0.49) ** 0.5 - 0.7)
            weights += weight
        np.testing.assert_allclose(loss[face], total / weights, rtol=1e-12)


def test_gradient_also_where_an_offset_is_right(rng):
    predicted = rng.normal(size=(2, 4, 2))
    position = rng.normal(size=(2, 4, 2))
    position[:, [0, 2]] = predicted[:, [0, 2]] + 3
    labels = tf.constant(labels_of(position, [[1, 1, 0.5, 1], [1, 0, 1, 1]]))
    assert_gradient_is_correct(lambda p: losses.opening_loss(labels, p, PAIRS), predicted)


def test_where_the_eye_or_mouth_is_does_not_matter(rng):
    position = rng.normal(size=(1, 4, 2))
    labels = tf.constant(labels_of(position, np.ones((1, 4))))
    predicted = position.copy()
    predicted[:, [0, 2]] += [5.0, -3.0]
    loss = losses.opening_loss(labels, tf.constant(predicted), PAIRS)
    np.testing.assert_allclose(loss, [0], atol=1e-12)


@pytest.mark.parametrize("unknown", [np.nan, np.inf])
def test_a_pair_without_both_labels_has_no_pull(unknown, rng):
    predicted = tf.constant(rng.normal(size=(1, 4, 2)))
    position = np.full((1, 4, 2), unknown)
    position[:, 1:3] = 1.0
    labels = tf.constant(labels_of(position, [[0.0, 1.0, 1.0, np.nan]]))
    np.testing.assert_array_equal(losses.opening_loss(labels, predicted, PAIRS), [0])
    (gradient,) = gradients_of(lambda p: losses.opening_loss(labels, p, PAIRS), predicted)
    np.testing.assert_array_equal(gradient, np.zeros((1, 4, 2)))


def test_the_loss_for_compile_adds_it_to_the_mean_distance(rng):
    labels = labels_of(rng.normal(size=(3, 89, 2)), np.ones((3, 89))).astype("float32")
    predicted = rng.normal(size=(3, 89, 2)).astype("float32")
    loss = losses.LandmarkOpeningLoss(opening_weight=2.0, softness=0.3)
    distance = np.mean(losses.landmark_distance_loss(labels, tf.constant(predicted), 0.3))
    opening = np.mean(losses.opening_loss(labels, tf.constant(predicted), softness=0.3))
    np.testing.assert_allclose(loss(labels, predicted), distance + 2 * opening, rtol=1e-6)


def test_the_pairs_are_lids_and_inner_lips_across_from_each_other():
    groups = [{IBUG68_NAMES[point].rsplit(" ", 1)[0] for point in pair} for pair in OPENINGS]
    assert groups == [{"left eye"}] * 2 + [{"right eye"}] * 2 + [{"inner lips"}] * 3
