"""Masks that follow rims and have no specks, against plain loops."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import ops


@pytest.fixture(scope="module")
def mask():
    return (np.random.default_rng(0).random((2, 9, 12, 1)) > 0.4).astype(np.float32)


def test_a_vertex_follows_its_rim(mask):
    rims = np.random.default_rng(1).integers(0, 9 * 12, 9 * 12).astype(np.int32)
    followed = ops.follow_rims(tf.constant(mask), tf.constant(rims)).numpy()
    for face in range(2):
        for vertex in range(9 * 12):
            row, column = divmod(vertex, 12)
            expected = mask[face].ravel()[rims[vertex]]
            assert followed[face, row, column, 0] == expected


@pytest.mark.parametrize("side", [1, 3, 5])
def test_most_vertices_decide_and_nothing_comes_back_beyond_the_contour(mask, side):
    cleaned = ops.without_specks(tf.constant(mask), side).numpy()
    reach, quarter = side // 2, 3
    for face in range(2):
        most = np.zeros((9, 12), bool)
        for row in range(9):
            for column in range(12):
                rows = range(max(row - reach, 0), min(row + reach + 1, 9))
                columns = range(max(column - reach, 0), min(column + reach + 1, 12))
                around = [mask[face, r, c, 0] for r in rows for c in columns]
                most[row, column] = sum(around) > len(around) / 2
        for row in range(9):
            for column in range(12):
                expected = most[row, column]
                if column < quarter:
                    expected &= most[row, column:quarter].all()
                elif column >= 12 - quarter:
                    expected &= most[row, 12 - quarter : column + 1].all()
                assert cleaned[face, row, column, 0] == expected, (row, column)


def test_an_island_and_a_hole_go_and_a_straight_border_stays():
    mask = np.zeros((1, 20, 40, 1), np.float32)
    mask[0, :, :25] = 1
    expected = mask.copy()
    mask[0, 8:10, 30:32] = 1
    mask[0, 4:6, 12:14] = 0
    np.testing.assert_array_equal(ops.without_specks(tf.constant(mask), 5), expected)


def test_gradients_are_zero_and_not_missing(mask):
    variable = tf.Variable(mask)
    with tf.GradientTape(persistent=True) as tape:
        followed = ops.follow_rims(variable, tf.range(9 * 12))
        cleaned = ops.without_specks(variable, 3)
    for result in (followed, cleaned):
        np.testing.assert_array_equal(tape.gradient(result, variable), np.zeros_like(mask))
