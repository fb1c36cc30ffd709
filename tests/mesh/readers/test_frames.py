"""Axes, units and orientation."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.readers.frames import check_frame, outward_triangles, to_package_frame


def test_y_up_becomes_y_down_and_towards_becomes_away():
    points = np.array([[1.0, 2.0, 3.0], [-4.0, 5.0, -6.0]])
    np.testing.assert_allclose(to_package_frame(points, "cm"), [[10, -20, -30], [-40, -50, 60]])
    np.testing.assert_allclose(to_package_frame(points, "um", "y down"), points / 1000, rtol=1e-6)


def test_the_change_of_axes_keeps_right_handedness():
    axes = to_package_frame(np.eye(3), "mm")
    assert np.linalg.det(axes) == 1


def test_open_and_closed_surfaces_are_turned_outward():
    # A tetrahedron, and the same without its back.
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    outward = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    for triangles in (outward, outward[1:]):
        np.testing.assert_array_equal(outward_triangles(vertices, triangles), triangles)
        turned = outward_triangles(vertices, triangles[:, ::-1])
        np.testing.assert_array_equal(turned, triangles)


def test_unknown_names():
    check_frame("reader", "m", "y down")
    with pytest.raises(ValueError, match='reader expects `unit` among "um", "mm", "cm", "m", rec'):
        check_frame("reader", "ft", "y up")
