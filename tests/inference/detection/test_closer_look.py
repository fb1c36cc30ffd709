"""Small places are looked at closer, and others are not."""

import numpy as np
import pytest

from keras_3dmmstn.inference.detection.candidates import Candidates
from keras_3dmmstn.inference.detection.closer_look import seen_closer

PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
SIDE = 96


class Maps:
    """A network that sees one face in each square, or none, and counts the squares."""

    def __init__(self, score=0.9, centre=(47.5, 47.5), size=(40.0, 44.0)):
        self.score, self.centre, self.size, self.squares = score, centre, size, []

    def __call__(self, square):
        self.squares.append(square)
        maps = [np.full((SIDE // s, SIDE // s, 16), -20.0) for s in (8, 16, 32)]
        row, column = (int(place // 8) for place in self.centre[::-1])
        cell = maps[0][row, column]
        # √(σ(class) σ(object)) with an object that is certain.
        cell[:2] = np.log(1 / (1 / self.score**2 - 1)) if self.score else -20, 40
        cell[2:4] = np.array(self.centre) / 8 - [column, row]
        cell[4:6] = np.log(np.array(self.size) / 8)
        cell[6:] = np.tile(np.array(self.centre) / 8 - [column, row], 5)
        return maps


def places(boxes, scores):
    boxes = np.array(boxes, float).reshape(-1, 4)
    return Candidates(boxes, np.array(scores, float), np.zeros((len(boxes), 5, 2)))


def test_a_small_place_counts_as_it_is_seen_closer():
    # The larger side of 32 pixels becomes 64.
    box = [95.0, 45, 125, 77]
    maps = Maps(0.8, centre=(51.5, 45.5), size=(36.0, 40.0))
    found = seen_closer(PHOTOGRAPH, places([box], [0.1]), 1.0, maps)
    assert len(maps.squares) == 1 and maps.squares[0].shape == (SIDE, SIDE, 3)
    middle = np.array([110, 61]) + (np.array([51.5, 45.5]) - 47.5) / 2
    expected = np.concatenate([middle - [9, 10], middle + [9, 10]])
    np.testing.assert_allclose(found.boxes, [expected], atol=1e-9)
    np.testing.assert_allclose(found.points, [[middle] * 5], atol=1e-9)
    np.testing.assert_allclose(found.scores, [0.8], atol=1e-9)


def test_the_square_shows_the_place_twice_as_large_around_its_middle():
    photograph = np.zeros((240, 320, 3), np.uint8)
    photograph[60:62, 109:111] = 255  # about (109.5, 60.5), the middle of the box
    maps = Maps(0.0)
    seen_closer(photograph, places([[93.5, 44.5, 125.5, 76.5]], [0.1]), 1.0, maps)
    rows, columns = np.nonzero(maps.squares[0].any(axis=2))
    np.testing.assert_allclose([rows.mean(), columns.mean()], 47.5, atol=0.01)
    assert 3 <= np.ptp(rows) <= 6


@pytest.mark.parametrize(
    "maps",
    [
        Maps(0.0),
        Maps(0.45),  # tells nothing
        Maps(0.9, centre=(75.5, 47.5)),  # another face
        Maps(0.9, size=(12.0, 12.0)),  # a part of one
        Maps(0.9, size=(140.0, 140.0)),
    ],
)
def test_what_is_not_seen_closer_stays_as_it_was(maps):
    before = places([[100, 50, 120, 72]], [0.1])
    found = seen_closer(PHOTOGRAPH, before, 1.0, maps)
    assert len(maps.squares) == 1
    np.testing.assert_array_equal(found.boxes, before.boxes)
    np.testing.assert_array_equal(found.scores, before.scores)


@pytest.mark.parametrize(
    ("boxes", "scores", "searched"),
    [
        ([], [], 1.0),
        ([[100, 50, 150, 102]], [0.1], 1.0),  # as large as the search likes it
        ([[100, 50, 120, 72]], [0.9], 1.0),  # surely a face
        ([[90, 40, 140, 92], [100, 50, 120, 72]], [0.9, 0.1], 1.0),  # a part of one
        ([[90, 40, 140, 92], [100, 50, 120, 72]], [0.35, 0.05], 1.0),  # or of one that is turned
        ([[100, 50, 130, 82]], [0.1], 2.0),  # searched at twice the size
    ],
)
def test_these_places_need_no_closer_look(boxes, scores, searched):
    before, maps = places(boxes, scores), Maps()
    assert seen_closer(PHOTOGRAPH, before, searched, maps) is before
    assert not maps.squares


def test_a_place_within_one_that_is_hardly_a_face_is_looked_at():
    # A search sees some large faint face in most backgrounds, and small faces lie before them.
    large, small = [20.0, 20, 300, 230], [95.0, 45, 125, 77]
    found = seen_closer(PHOTOGRAPH, places([large, small], [0.1, 0.05]), 1.0, Maps(0.8))
    np.testing.assert_allclose(found.scores, [0.8, 0.1], atol=1e-9)


def test_a_part_of_a_larger_place_has_to_be_clearer():
    # The eye of a face that lies on its side looks a little like a face.
    before = places([[20.0, 20, 300, 230], [95.0, 45, 125, 77]], [0.1, 0.05])
    found = seen_closer(PHOTOGRAPH, before, 1.0, Maps(0.7))
    np.testing.assert_array_equal(found.scores, before.scores)


@pytest.mark.parametrize(("score", "looks"), [(0.0, 8), (0.8, 12)])
def test_no_more_are_looked_at_after_eight_looks_in_vain(score, looks):
    boxes = [[25.0 * k, 10, 25.0 * k + 20, 30] for k in range(12)]
    maps = Maps(score)
    found = seen_closer(PHOTOGRAPH, places(boxes, np.linspace(0.2, 0.1, 12)), 1.0, maps)
    assert len(maps.squares) == looks
    assert (found.scores > 0.7).sum() == (looks if score else 0)


def test_a_place_at_the_border_is_filled_with_black():
    maps = Maps(0.0)
    seen_closer(PHOTOGRAPH, places([[-10, -10, 10, 10]], [0.1]), 1.0, maps)
    assert not maps.squares[0][:40, :40].any() and maps.squares[0][60:, 60:].any()
