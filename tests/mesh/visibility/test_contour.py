import numpy as np

from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.mesh.landmark_sets import IBUG68_NAMES, JAW_POINTS, MIRROR, NOSE_TIP
from keras_3dmmstn.mesh.visibility.contour import outermost

FACE = GridModel.bundled()
JAW = FACE.landmarks["ibug68"][:17]


def contour(yaw):
    """The jaw points of the mean face turned about the vertical axis, and their vertices."""
    turn = np.array(
        [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]], np.float32
    )
    lines, directions = contour_lines(FACE)
    points = (FACE.mean @ turn.T)[:, :2]
    return points, lines[np.arange(17), outermost(points[lines], directions, turn)]


def test_a_line_starts_on_the_jaw_and_goes_towards_the_nose():
    lines, directions = contour_lines(FACE)
    np.testing.assert_array_equal(lines[:, 0], JAW)
    nose = FACE.mean[FACE.landmarks["ibug68"][30]]
    distance = np.linalg.norm(FACE.mean[lines] - nose, axis=-1)
    sides = np.arange(17) != 8  # the line of the chin crosses the lips
    assert (np.diff(distance, axis=1)[sides] < 0).all()
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1, atol=1e-6)
    assert directions[2, 0] < -0.9 and directions[14, 0] > 0.9 and directions[8, 1] > 0.9


def test_lines_mirror_each_other():
    lines, directions = contour_lines(FACE)
    mirrored, others = FACE.mirror[lines], lines[MIRROR["ibug68"][:17]]
    columns = FACE.grid_shape[1]
    np.testing.assert_array_equal(mirrored // columns, others // columns)
    # An even grid has no middle column: the tip of the nose is half a column beside the middle.
    assert np.abs(mirrored % columns - others % columns).max() <= 1
    # Mirrored that is 0.7 mm, seen from points 67 mm away and more.
    np.testing.assert_allclose(directions * [-1, 1], directions[::-1], atol=0.7 / 67)


def test_the_far_contour_moves_over_the_cheek_and_the_near_one_stays():
    # A positive turn about y, which points down, shows the viewer the image-right half of the
    # face... whose jaw stays where it is, while the other one is left behind.
    for yaw in (0.6, -0.6):
        points, vertices = contour(yaw)
        left, right = vertices[:5] != JAW[:5], vertices[12:] != JAW[12:]
        far, near = (left, right) if points[JAW[0], 0] > points[vertices[0], 0] else (right, left)
        assert far.mean() > 0.5
        assert not near.any()


def test_no_vertex_of_the_lines_lies_outside_the_contour():
    points, vertices = contour(0.6)
    lines, directions = contour_lines(FACE)
    turned = directions * [np.cos(0.6), 1]
    reach = np.einsum("lkd,ld->lk", points[lines], turned).max(axis=1)
    np.testing.assert_allclose(np.einsum("ld,ld->l", points[vertices], turned), reach, rtol=1e-5)


def test_the_outermost_vertex_of_a_turned_and_tilted_face(rng):
    rotations = np.linalg.qr(rng.normal(size=(3, 3, 3)))[0]
    candidates, outward = rng.normal(size=(3, 17, 12, 2)), rng.normal(size=(17, 2))
    chosen = outermost(candidates, outward, rotations)
    assert chosen.shape == (3, 17)
    for face, line in np.ndindex(3, 17):
        direction = (rotations[face] @ [*outward[line], 0])[:2]
        reach = [direction @ place for place in candidates[face, line]]
        assert chosen[face, line] == np.argmax(reach)
    np.testing.assert_array_equal(outermost(candidates[1], outward, rotations[1]), chosen[1])


def test_of_equally_outward_vertices_the_first_is_chosen():
    assert outermost(np.zeros((1, 4, 2)), np.ones((1, 2)), np.eye(3)) == 0


def test_the_jaw_line_and_the_nose_tip_are_where_they_are_said_to_be():
    assert [name.split()[0] for name in IBUG68_NAMES].count("jaw") == JAW_POINTS
    assert IBUG68_NAMES[JAW_POINTS - 1] == "jaw 17" and IBUG68_NAMES[NOSE_TIP] == "nose bridge 4"
