import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.mesh.visibility.occlusion_table import table_directions
from keras_3dmmstn.ops import self_occlusion_mask, self_occlusion_mask_by_table
from tests.support import naive
from tests.support.gradients import gradients_of

PLANE = np.array([[x, y, 0.0] for y in range(3) for x in range(4)])


def looked_up(rotation, table, points=PLANE, grid_shape=(3, 4)):
    """The vertices that the table hides of a mesh that faces the viewer altogether."""
    mask = self_occlusion_mask_by_table(
        tf.constant(points[None]), tf.constant(rotation[None]), grid_shape, tf.constant(table)
    )
    return np.flatnonzero(mask[0, ..., 0].numpy().ravel() == 0)


def seen_from(direction, roll):
    """A rotation that turns a direction of the model towards the viewer (−z)."""
    axis = np.cross(direction, [0, 0, -1.0])
    sine, cosine = np.linalg.norm(axis), -direction[2]
    axis = axis / sine if sine > 1e-9 else np.array([0, 1.0, 0])
    turn = naive.rotation_matrix(np.arctan2(sine, cosine) * axis)
    return naive.rotation_matrix((0, 0, roll)) @ turn


def test_every_vertex_has_its_bit():
    for vertex in range(12):
        table = np.packbits(np.arange(16) == vertex, bitorder="little").reshape(1, 1, 2)
        assert looked_up(np.eye(3), table).tolist() == [vertex]


@pytest.mark.parametrize("roll", [0.0, 0.7, -2.5])
def test_every_direction_has_its_entry_whatever_the_roll(roll):
    directions = table_directions(7, 13)
    for row, column in np.ndindex(7, 13):
        if row in (0, 6) or column in (0, 12):
            continue  # one direction with several entries
        table = np.zeros((7, 13, 2), np.uint8)
        table[row, column, 0] = 1
        assert looked_up(seen_from(directions[row, column], roll), table).tolist() == [0]


def test_poles_and_back_have_entries():
    table = np.zeros((7, 13, 2), np.uint8)
    table[0, :, 0], table[6, :, 0], table[3, [0, 12], 0] = 1, 2, 4
    assert looked_up(seen_from(np.array([0, -1.0, 0]), 0.3), table).tolist() == [0]
    assert looked_up(seen_from(np.array([0, 1.0, 0]), 0.3), table).tolist() == [1]
    assert looked_up(seen_from(np.array([0, 0, 1.0]), 0.3), table).tolist() == [2]


def test_nearest_direction_is_taken():
    table = np.zeros((7, 13, 2), np.uint8)
    table[3, 7, 0] = 1  # 30 degrees to image-right
    for degrees, expected in [(14, []), (16, [0]), (44, [0]), (46, [])]:
        # The viewer at image-right of the face: the face turned to image-left, about +y.
        rotation = naive.rotation_matrix((0, np.radians(degrees), 0))
        assert looked_up(rotation, table).tolist() == expected


def test_direction_of_a_turn_is_the_tables():
    # Looked at from image-right and below; both signs and the order count.
    right_and_below = table_directions(181, 361)[90 + 20, 180 + 50]
    turn = naive.rotation_matrix((np.radians(-20), 0, 0))
    turn = turn @ naive.rotation_matrix((0, np.radians(50), 0))
    np.testing.assert_allclose(turn @ right_and_below, [0, 0, -1], atol=1e-12)
    assert right_and_below[0] > 0 and right_and_below[1] > 0


def test_what_faces_away_is_hidden_whatever_the_table_says():
    away = PLANE * [-1, 1, -1]
    assert looked_up(np.eye(3), np.zeros((3, 5, 2), np.uint8), away).tolist() == list(range(12))


@pytest.mark.parametrize("turn", [(0.0, 1.0, 0.0), (0.3, -0.8, 0.5), (-0.4, 0.4, 2.0)])
def test_mean_face_is_nearly_that_of_rays(turn):
    face = toy_grid_model((30, 24))
    rotation = naive.rotation_matrix(turn)
    points = face.mean.astype(float) @ rotation.T
    mask = self_occlusion_mask_by_table(
        tf.constant(points[None]),
        tf.constant(rotation[None]),
        face.grid_shape,
        tf.constant(occlusion_table(face, step=5.0)),
    )[0, ..., 0]
    rays = naive.visible_vertices(points, face.triangles, face.grid_shape)
    # Directions are off by up to 3.5 degrees: the edges of what is hidden move by about a vertex.
    assert (mask.numpy() != rays).mean() <= 0.01
    by_normals = self_occlusion_mask(tf.constant(points[None]), face.grid_shape)[0, ..., 0]
    assert (mask.numpy() != rays).sum() <= (by_normals.numpy() != rays).sum()


def test_undefined_rotation_looks_up_something():
    nan = np.full((3, 3), np.nan)
    assert looked_up(nan, np.zeros((7, 13, 2), np.uint8)).tolist() == []


def test_gradients_are_zero_and_not_missing(rng):
    points, rotation = rng.normal(size=(2, 12, 3)), rng.normal(size=(2, 3, 3))
    gradients = gradients_of(
        lambda p, r: self_occlusion_mask_by_table(p, r, (3, 4), tf.zeros((3, 5, 2), tf.uint8)),
        tf.constant(points),
        tf.constant(rotation),
    )
    np.testing.assert_array_equal(gradients[0], np.zeros((2, 12, 3)))
    np.testing.assert_array_equal(gradients[1], np.zeros((2, 3, 3)))
