"""Where a photograph may be shown on a face."""

import numpy as np
import pytest

from keras_3dmmstn.inference.view.opacity import opacity
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.inference.view.photographed_face import PhotographedFace
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model

SCALE = 2.0
PART = PhotographPart(np.zeros((1, 1, 3), np.uint8), np.zeros(2, int))


@pytest.fixture(scope="module")
def model():
    return toy_grid_model((48, 48))


def photographed(model, rotation=(0.0, 0.0, 0.0), vertices=None, **camera):
    """The mean face, or other vertices, photographed at 2 pixels a millimetre from far away."""
    parameters = {
        "rotation": np.array(rotation),
        "log_scale": np.log(SCALE),
        "translation": np.array([300.0, 300.0]),
        **camera,
    }
    vertices = model.mean if vertices is None else vertices
    face = PhotographedFace.fitted(model, PART, model.mean[:, :2], vertices, parameters)
    points = (SCALE * face.posed[:, :2] + 300).astype(np.float32)
    return PhotographedFace.fitted(model, PART, points, vertices, parameters)


def plane(depth, side=40, step=4.0):
    """A square of side × side vertices, `step` mm apart, at a depth `(side, side)`."""
    x, y = np.meshgrid(np.arange(side) * step, np.arange(side) * step)
    mean = np.stack([x, y, np.broadcast_to(depth, x.shape)], axis=-1).reshape(-1, 3)
    return GridModel(mean, np.zeros((0, side * side, 3)), (side, side))


def test_a_plane_that_faces_the_camera_is_all_shown():
    shown = opacity(photographed(plane(0.0)))
    corners = np.ix_([0, 1, -2, -1], [0, 1, -2, -1])
    assert (shown[corners] > 0).all()  # they are rounded
    shown[corners] = 1
    np.testing.assert_array_equal(shown, 1)


@pytest.mark.parametrize(("degrees", "shown"), [(60, 1.0), (72, 1.0), (84, 0.0), (100, 0.0)])
def test_a_plane_is_shown_up_to_74_degrees_and_not_from_82_on(degrees, shown):
    flat = plane(0.0)
    turned = photographed(flat, (0.0, np.radians(degrees), 0.0))
    np.testing.assert_allclose(opacity(turned)[4:-4, 4:-4], shown)


def test_what_a_nose_hides_is_not_shown_and_what_is_beside_it_is():
    # A ridge 40 mm high along the middle, seen from 45 degrees to the image-right of it.
    across = np.abs(np.arange(40) - 19.5) * 4
    ridge = plane(-40.0 * (across < 5))
    shown = opacity(photographed(ridge, (0.0, np.pi / 4, 0.0)))[20]
    assert ridge.mean[:, 2].min() == -40
    columns = np.flatnonzero(shown > 0.5)
    hidden = np.flatnonzero(shown == 0)
    # It hides 40 mm, ten columns, on the side that lies behind it.
    assert 8 <= np.count_nonzero(hidden < 19) + np.count_nonzero(hidden > 20) <= 16
    assert {2, 3, 36, 37} <= set(columns.tolist())
    one_side = hidden[hidden < 19] if (hidden < 19).sum() > (hidden > 20).sum() else hidden
    assert np.ptp(one_side) <= 16


def test_closed_lips_have_no_hole():
    # A fold along a row whose upper side hangs over the lower one by half a millimetre.
    rows = np.arange(40)[:, None]
    fold = plane(np.where(rows >= 20, 1.0, 0.0))
    vertices = fold.mean.copy().reshape(40, 40, 3)
    vertices[19, :, 1] += 4.5
    shown = opacity(photographed(fold, vertices=vertices.reshape(-1, 3)))
    np.testing.assert_allclose(shown[:, 4:-4], 1)


def test_a_turned_face_shows_the_side_that_is_turned_to_the_camera(model):
    shown = opacity(photographed(model, (0.0, 0.7, 0.0)))
    # It looks to the image's left, so that its image-left side turns away.
    assert shown[:, :8].mean() < 0.2 and shown[:, -20:-10].mean() > 0.9


def test_near_the_outline_that_turns_from_sight_nothing_is_shown(model):
    face = photographed(model, (0.0, 0.7, 0.0))
    shown = opacity(face).ravel() > 0
    middle = np.abs(face.posed[:, 1]) < 40
    outline = face.posed[middle, 0].min()
    assert face.posed[middle & shown, 0].min() > outline + 2


def test_a_camera_that_is_near_sees_less_of_the_sides(model):
    def seen(distance):
        focal_length = np.array([distance * SCALE])
        camera = {"focal_length": focal_length, "principal_point": np.array([300.0, 300.0])}
        return opacity(photographed(model, **camera)).mean()

    far, near = seen(1e6), seen(200.0)
    assert near < far - 0.02
    np.testing.assert_allclose(far, opacity(photographed(model)).mean(), atol=1e-3)


def test_the_direction_to_a_perspective_camera_is_that_of_its_projection(model):
    camera = {"focal_length": np.array([900.0]), "principal_point": np.array([250.0, 280.0])}
    face = photographed(model, (0.1, 0.4, 0.0), **camera)
    # A step along the direction does not move a vertex's image, Y = (s X + t − c) / (1 + s Z / f).
    image = [
        (SCALE * p[:, :2] + 300 - camera["principal_point"]) / (1 + SCALE * p[:, 2:] / 900)
        for p in (face.posed, face.posed + 20 * face.towards_camera)
    ]
    np.testing.assert_allclose(image[1], image[0], atol=1e-6)
    assert (face.towards_camera[:, 2] < 0).all()
