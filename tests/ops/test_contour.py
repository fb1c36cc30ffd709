import numpy as np
import tensorflow as tf

from keras_3dmmstn.ops import outermost, select_outermost
from tests.support.gradients import (
    assert_gradient_agrees_with_autodiff,
    assert_gradient_is_correct,
    gradients_of,
)


def test_the_candidate_furthest_in_the_direction_is_chosen():
    candidates = tf.constant([[[0.0, 0.0], [1.0, 5.0], [2.0, -1.0]]])
    assert outermost(candidates, tf.constant([[1.0, 0.0]])).numpy() == [2]
    assert outermost(candidates, tf.constant([[0.0, 1.0]])).numpy() == [1]
    np.testing.assert_array_equal(
        select_outermost(candidates, tf.constant([[0.0, 1.0]])), [[1.0, 5.0]]
    )


def test_the_first_of_equals_is_chosen():
    candidates = tf.constant([[[1.0, 0.0], [1.0, 7.0]]])
    assert outermost(candidates, tf.constant([[1.0, 0.0]])).numpy() == [0]


def test_only_the_order_along_the_direction_counts_not_its_length(rng):
    candidates, directions = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 2))
    np.testing.assert_array_equal(
        outermost(candidates, directions), outermost(candidates, 1e-3 * directions)
    )


def test_agrees_with_loops(rng):
    candidates, directions = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 2))
    selected = select_outermost(tf.constant(candidates), tf.constant(directions)).numpy()
    for face in range(2):
        for line in range(3):
            points = [tuple(point) for point in candidates[face, line]]
            dx, dy = directions[face, line]
            best = max(points, key=lambda point: point[0] * dx + point[1] * dy)
            assert tuple(selected[face, line]) == best


def test_gradient_goes_to_the_chosen_candidate(rng):
    candidates, directions = rng.normal(size=(2, 3, 4, 2)), rng.normal(size=(2, 3, 2))
    assert_gradient_is_correct(lambda y: select_outermost(y, tf.constant(directions)), candidates)

    def plain(y):
        chosen = tf.argmax(tf.einsum("blkd,bld->blk", y, directions), axis=-1)
        return tf.gather(y, chosen, axis=2, batch_dims=2)

    assert_gradient_agrees_with_autodiff(
        lambda y: select_outermost(y, tf.constant(directions)), plain, candidates, rng=rng
    )


def test_nothing_flows_to_the_directions(rng):
    candidates, directions = rng.normal(size=(1, 2, 3, 2)), rng.normal(size=(1, 2, 2))
    _, to_directions = gradients_of(select_outermost, candidates, directions)
    np.testing.assert_array_equal(to_directions, np.zeros((1, 2, 2)))


def test_the_gradient_between_equals_goes_to_the_first():
    candidates = tf.constant([[[1.0, 0.0], [1.0, 7.0]]])
    to_candidates, _ = gradients_of(select_outermost, candidates, tf.constant([[1.0, 0.0]]))
    np.testing.assert_array_equal(to_candidates, [[[1, 1], [0, 0]]])
