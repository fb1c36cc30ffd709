"""The overlay of a photograph with its numbered faces."""

import time
from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn.drawing import overlay
from keras_3dmmstn.drawing.overlay import draw_overlay
from tests.support.faces_with_labels import normaliser_that_says


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((100, 120), (100, 120)),
        ((1600, 40), (1600, 40)),
        ((1601, 800), (1600, 800)),
        ((1000, 3200), (500, 1600)),
        ((1, 5000), (1, 1600)),
    ],
)
def test_it_is_as_large_as_the_photograph_up_to_1600_pixels(shape, expected):
    picture = draw_overlay(np.full((*shape, 3), 77, np.uint8), [])
    assert picture.shape == (*expected, 3)
    assert (picture == 77).all()


def test_it_draws_on_the_face_and_above_it(normaliser):
    black = np.zeros((200, 200, 3), np.uint8)
    (face,) = normaliser(black, [[60, 60, 140, 140]])
    drawn = draw_overlay(black, [face]).any(axis=2)
    assert not black.any(), "the photograph is not drawn on"
    assert drawn[70:130, 70:130].mean() > 0.5
    low, high = face.points.min(axis=0) - 2, face.points.max(axis=0) + 3
    y, x = np.nonzero(drawn)
    assert x.min() > low[0] - 3 and x.max() < high[0] and y.max() < high[1]
    label = drawn[: int(low[1])]
    assert label.any() and 0.5 < label[:, label.any(axis=0)].mean() < 1
    assert y.min() > low[1] - 25


def test_a_face_is_drawn_at_its_place_of_a_shrunk_photograph(normaliser):
    black = np.zeros((400, 3200, 3), np.uint8)
    faces = normaliser(black, [[2400, 100, 2600, 300]])
    y, x = np.nonzero(draw_overlay(black, faces)[..., 0] > 150)  # landmarks, and the number
    middle = (faces[0].points.min(axis=0) + faces[0].points.max(axis=0)) / 4
    assert abs((x.min() + x.max()) / 2 - middle[0]) < 20
    assert y.max() < faces[0].points[:, 1].max() / 2 + 2


def test_faces_are_numbered_in_their_order(normaliser, monkeypatch):
    texts = []
    put_text = overlay.cv2.putText

    def noted(picture, text, place, *style):
        texts.append((text, place))
        return put_text(picture, text, place, *style)

    monkeypatch.setattr(overlay.cv2, "putText", noted)
    image = np.zeros((300, 400, 3), np.uint8)
    boxes = [[220, 100, 320, 200], [20, 60, 120, 160], [-40, -40, 60, 60], [360, 260, 420, 320]]
    draw_overlay(image, normaliser(image, boxes))
    assert [text for text, _ in texts] == ["0", "1", "2", "3"]
    (x0, y0), (x1, y1), *at_the_border = (place for _, place in texts)
    assert x1 < 120 < 200 < x0 and y1 < 60 + 20 and y0 < 100 + 20
    for x, y in at_the_border:
        assert 0 < x < 400 - 8 and 8 < y < 300


def test_many_faces_take_little_time(normaliser):
    image = np.zeros((1500, 2000, 3), np.uint8)
    boxes = [[x, y, x + 200, y + 200] for y in range(0, 1200, 300) for x in range(0, 1800, 300)]
    faces = normaliser(image, boxes)
    assert len(faces) == 24
    began = time.process_time()
    draw_overlay(image, faces)
    assert time.process_time() - began < 5  # once 56 seconds


def test_landmarks_that_may_be_wrong_have_rings_as_large_as_their_spread(normaliser):
    black = np.zeros((200, 200, 3), np.uint8)
    (face,) = normaliser(black, [[60, 60, 140, 140]])
    spread = np.full(68, 0.02, np.float32)
    sure = replace(face, spread=spread)
    np.testing.assert_array_equal(draw_overlay(black, [sure]), draw_overlay(black, [face]))
    spread = spread.copy()
    spread[8] = 0.4
    ring = (draw_overlay(black, [replace(face, spread=spread)]) != draw_overlay(black, [face])).any(
        2
    )
    radius = 0.4 * np.sqrt(np.ptp(face.landmarks(), axis=0).prod())
    y, x = np.nonzero(ring)
    distances = np.hypot(*(np.stack([x, y]) - face.landmarks()[8][:, None]))
    assert len(distances) > 20 and np.abs(distances - radius).max() < 2
    endless = replace(face, spread=np.full(68, 1e30, np.float32))
    large = replace(face, spread=np.ones(68, np.float32))
    np.testing.assert_array_equal(draw_overlay(black, [endless]), draw_overlay(black, [large]))
