"""The face from the front, of a toy face whose pose is known."""

import dataclasses
import pickle

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.faces_with_labels import BOX, normaliser_that_says

WHITE = (255, 255, 255)


@pytest.fixture(scope="module")
def coordinates():
    """A photograph 200 high and 240 wide whose red is x and green is y."""
    y, x = np.mgrid[:200, :240]
    return np.stack([x, y, np.full_like(x, 90)], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def turned(coordinates):
    """A face turned by about 0.6 rad, with some identity and expression."""
    normaliser = normaliser_that_says([0, 2, 0.2, 0, 0, 0, 1, 0, 0, 2])
    return normaliser(coordinates, [BOX])[0]


@pytest.fixture(scope="module")
def unturned(coordinates):
    return normaliser_that_says()(coordinates, [BOX])[0]


def places_in_view(face, size, vertices=None, rotation=(0.0, 0.0, 0.0)):
    """Where vertices are in a view, `(N, 2)` pixels: the frame, written a second time."""
    low, high = face.grid_model.mean.min(axis=0), face.grid_model.mean.max(axis=0)
    zoom = size / (1.12 * max(high[0] - low[0], high[1] - low[1]))
    turn = cv2.Rodrigues(np.array(rotation))[0]
    vertices = face.vertices if vertices is None else vertices
    turned = np.array([turn @ (vertex - (low + high) / 2) for vertex in vertices])
    return turned[:, :2] * zoom + (size - 1) / 2


def assert_shows_points(face, view, places, which):
    """Holds pixels of an RGBA view at vertices' places against the photograph's at the vertices."""
    x, y = places[which].T.astype(np.float32)
    sampled = cv2.remap(view, x[None], y[None], cv2.INTER_LINEAR)[0].astype(float)
    assert (sampled[:, 3] > 250).all()
    # Whole levels, twice, and places to 1/32 of a pixel.
    np.testing.assert_allclose(sampled[:, :2], face.points[which], atol=1.6)
    np.testing.assert_allclose(sampled[:, 2], 90, atol=1)


def inner(face, margin=6):
    """The vertices in the middle of the grid."""
    rows, columns = face.grid_shape
    index = np.arange(rows * columns).reshape(rows, columns)
    return index[margin:-margin, margin:-margin].ravel()


def test_pixels_are_the_photographs_at_the_vertices(unturned):
    view = unturned.front_view(300, background=None)
    assert_shows_points(unturned, view, places_in_view(unturned, 300), inner(unturned))


def test_of_a_turned_face_the_seen_side_shows_the_photograph(turned):
    view = turned.front_view(300, background=None)
    # The image-left side has turned away.
    right = inner(turned)[inner(turned) % 24 > 14]
    assert_shows_points(turned, view, places_in_view(turned, 300), right)
    left = places_in_view(turned, 300)[12 * 24 + 1].round().astype(int)
    assert view[left[1], left[0], 3] == 0


def test_the_rotation_of_the_photograph_gives_the_face_as_photographed(turned):
    rotation = turned.parameters["rotation"]
    view = turned.front_view(300, background=None, rotation=rotation)
    places = places_in_view(turned, 300, rotation=rotation)
    right = inner(turned)[inner(turned) % 24 > 14]
    assert_shows_points(turned, view, places, right)
    # What the camera saw is all that is seen from there: there is no hole.
    _, _, pieces, _ = cv2.connectedComponentsWithStats((view[..., 3] == 0).astype(np.uint8))
    around, *holes = sorted(pieces[1:, cv2.CC_STAT_AREA], reverse=True)
    assert around > 20_000 and not [area for area in holes if area > 9]


def test_background_and_transparency(unturned):
    transparent = unturned.front_view(128, background=None)
    blue = unturned.front_view(128, background=(10, 20, 250))
    assert transparent.shape == (128, 128, 4) and blue.shape == (128, 128, 3)
    assert transparent.dtype == blue.dtype == np.uint8
    assert transparent[0, 0, 3] == 0 and blue[0, 0].tolist() == [10, 20, 250]
    alpha = transparent[..., 3:] / 255
    mixed = alpha * transparent[..., :3] + (1 - alpha) * (10, 20, 250)
    np.testing.assert_allclose(blue, mixed, atol=2)  # whole levels of colour, opacity and sum
    np.testing.assert_array_equal(unturned.front_view(128), unturned.front_view(128, WHITE))


def test_the_outline_is_smooth(unturned):
    alpha = unturned.front_view(128, background=None)[..., 3]
    assert len(np.unique(alpha)) >= 5
    outline = (alpha > 0) & (alpha < 255)
    assert 0.005 < outline.mean() < 0.2


def test_faces_share_a_frame(turned, unturned):
    eyes = [
        places_in_view(face, 200)[face.grid_model.landmarks["ibug68"][36:48]].mean(axis=0)
        for face in (turned, unturned)
    ]
    np.testing.assert_allclose(*eyes, atol=8)
    low, high = unturned.grid_model.mean.min(axis=0), unturned.grid_model.mean.max(axis=0)
    rows, columns = np.nonzero(unturned.front_view(200, background=None)[..., 3])
    extent = max(np.ptp(rows), np.ptp(columns))
    np.testing.assert_allclose(extent, 200 / 1.12, atol=6)
    assert (high - low)[:2].argmax() == (0 if np.ptp(columns) > np.ptp(rows) else 1)


def test_the_size_changes_nothing_but_detail(turned):
    small, large = turned.front_view(100), turned.front_view(400)
    reduced = cv2.resize(large, (100, 100), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - reduced).mean() < 2


def test_large_pictures_are_drawn_in_bands_without_a_seam(unturned, monkeypatch):
    from keras_3dmmstn.inference.view import front_view

    whole = unturned.front_view(96)
    monkeypatch.setattr(front_view, "_ROWS_AT_ONCE", 40)
    np.testing.assert_array_equal(unturned.front_view(96), whole)


def test_expressions(turned):
    model, parameters = turned.grid_model, turned.parameters
    neutral = model.shape([*parameters["identity"], 0, 0, 0])
    view = turned.front_view(300, background=None, expression="neutral")
    right = inner(turned)[inner(turned) % 24 > 14]
    assert_shows_points(turned, view, places_in_view(turned, 300, neutral), right)
    brows = model.shape([*parameters["identity"], 0, 3, 0])
    view = turned.front_view(300, background=None, expression=[0, 3, 0])
    assert_shows_points(turned, view, places_in_view(turned, 300, brows), right)
    fitted = turned.front_view(64, expression=parameters["expression"])
    np.testing.assert_array_equal(fitted, turned.front_view(64))


def test_hidden_places_are_filled_from_the_other_side(turned):
    empty = turned.front_view(200, background=None)
    filled = turned.front_view(200, background=None, fill="mirror")
    seen = empty[..., 3] == 255
    difference = np.abs(filled[seen][:, :3].astype(int) - empty[seen][:, :3])
    assert difference.max() <= 1
    hidden = (empty[..., 3] == 0) & (filled[..., 3] == 255)
    assert hidden.mean() > 0.02
    # Green is y in the photograph, and the head is upright: both sides have about the same.
    rows = np.nonzero(hidden)[0]
    assert np.corrcoef(rows, filled[hidden][:, 1])[0, 1] > 0.9


def test_a_filled_texture_keeps_what_was_seen_and_the_mask(coordinates, turned):
    plain = normaliser_that_says([0, 2, 0.2, 0, 0, 0, 1, 0, 0, 2])
    for size in (None, 64):
        normaliser = Normaliser(plain.localiser, plain.grid_model, texture_size=size, fill="mirror")
        (face,) = normaliser(coordinates, [BOX])
        (empty,) = Normaliser(plain.localiser, plain.grid_model, texture_size=size)(
            coordinates, [BOX]
        )
        np.testing.assert_array_equal(face.mask, empty.mask)
        np.testing.assert_array_equal(face.texture[face.mask], empty.texture[face.mask])
        np.testing.assert_array_equal(face.texture, empty.filled_texture("mirror"))
        assert (empty.texture[~face.mask] == 0).all() and (face.texture[~face.mask] > 0).any()


def test_a_face_that_leaves_the_photograph_shows_the_part_in_it(coordinates):
    (face,) = normaliser_that_says()(coordinates, [[190, 50, 290, 150]])
    view = face.front_view(200, background=None)
    columns = np.flatnonzero(view[..., 3].any(axis=0))
    assert columns.min() < 60 and columns.max() < 120
    filled = face.front_view(200, background=None, fill="mirror")
    assert filled[100, 140, 3] == 255
    assert face.photograph.pixels.shape[1] < 80


def test_a_perspective_face_is_drawn(coordinates):
    plain = normaliser_that_says([0, 1, 0])
    (face,) = Normaliser(plain.localiser, plain.grid_model, focal_length=2.0)(coordinates, [BOX])
    right = inner(face)[inner(face) % 24 > 14]
    view = face.front_view(300, background=None)
    assert_shows_points(face, view, places_in_view(face, 300), right)


def test_the_photographs_part_is_a_small_copy(coordinates, turned):
    height, width = turned.photograph.pixels.shape[:2]
    low, high = turned.points.min(axis=0), turned.points.max(axis=0)
    assert (np.array([width, height]) <= high - low + 7).all()
    assert turned.photograph.pixels.base is None


def test_a_face_is_pickled_and_described_briefly(turned):
    again = pickle.loads(pickle.dumps(turned))
    np.testing.assert_array_equal(again.front_view(64), turned.front_view(64))
    assert turned == turned and again != turned
    assert "grid_model" not in repr(turned) and "photograph" not in repr(turned)


def test_many_faces_are_pickled_with_one_face_model(coordinates):
    faces = normaliser_that_says()(coordinates, [BOX, BOX + 5, BOX - 5])
    again = pickle.loads(pickle.dumps(faces))
    assert again[0].grid_model is again[2].grid_model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 15}, "size of 16 to 4096 pixels, received 15"),
        ({"size": 4097}, "received 4097"),
        ({"size": 64.0}, "received 64.0"),
        ({"background": (1, 2)}, r"three integers from 0 to 255, received \(1, 2\)"),
        ({"background": (1, 2, 256)}, "received"),
        ({"background": (0.5, 0, 0)}, "received"),
        ({"fill": "inpaint"}, "'mirror', received 'inpaint'"),
        ({"rotation": [1, 2]}, r"`rotation` of shape \(3,\), received shape \(2,\)"),
        ({"rotation": [1, np.nan, 0]}, "finite"),
        ({"rotation": "left"}, "3 numbers, received 'left'"),
        ({"expression": "happy"}, "'neutral' or an array, received 'happy'"),
        ({"expression": np.zeros(5)}, r"shape \(3,\), received shape \(5,\)"),
    ],
)
def test_bad_arguments_are_named(turned, arguments, message):
    with pytest.raises(ValueError, match=message):
        turned.front_view(**arguments)


def test_a_face_without_its_photograph_is_refused(turned):
    for lacking in ("photograph", "grid_model"):
        bare = dataclasses.replace(turned, **{lacking: None})
        for draw in (bare.front_view, bare.filled_texture):
            with pytest.raises(ValueError, match="`photograph` and `grid_model`"):
                draw()


def test_an_unknown_fill_of_a_normaliser_is_refused():
    plain = normaliser_that_says()
    with pytest.raises(ValueError, match="received 'black'"):
        Normaliser(plain.localiser, plain.grid_model, fill="black")
