"""How far mouths and eyes are open, of landmarks that are made up."""

import numpy as np
import pytest

from keras_3dmmstn.inference.quantities.openings import eye_openings, mouth_opening


@pytest.fixture
def landmarks():
    """A mouth 40 wide, eyes 20 wide; all gaps closed; depths that must not count."""
    points = np.random.default_rng(0).normal(0, 50, (68, 3))
    points[[48, 54], :2] = [[10, 100], [50, 100]]
    points[60:68, :2] = [[14, 100], [20, 100], [30, 100], [40, 100]] + [
        [46, 100], [40, 100], [30, 100], [20, 100],
    ]  # fmt: skip
    for first, x in ((36, 0), (42, 40)):
        points[first : first + 6, :2] = [[x + step, 20] for step in (0, 7, 14, 20, 14, 7)]
    return points


def test_closed_lips_and_lids_are_open_by_nothing(landmarks):
    assert mouth_opening(landmarks) == 0
    assert eye_openings(landmarks) == (0, 0)


def test_the_opening_of_a_mouth_is_its_mean_gap_over_its_width(landmarks):
    landmarks[[65, 66, 67], 1] += [4, 8, 3]
    assert mouth_opening(landmarks) == pytest.approx((4 + 8 + 3) / 3 / 40)


def test_each_eye_has_its_own_opening(landmarks):
    landmarks[[40, 41], 1] += [6, 4]  # lower lid, image-left
    landmarks[[43, 44], 1] -= [2, 1]  # upper lid, image-right
    left, right = eye_openings(landmarks)
    assert left == pytest.approx(5 / 20)
    assert right == pytest.approx(1.5 / 20)


def test_lips_that_cross_are_closed(landmarks):
    landmarks[[65, 66, 67], 1] -= 9
    landmarks[[37, 38], 1] += 5
    assert mouth_opening(landmarks) == 0
    assert eye_openings(landmarks)[0] == 0


def test_size_and_place_do_not_matter(landmarks):
    landmarks[[65, 66, 67], 1] += [4, 8, 3]
    moved = 3 * landmarks + [100, -50, 7]
    assert mouth_opening(moved) == pytest.approx(mouth_opening(landmarks))


def test_a_mouth_without_width_is_closed(landmarks):
    landmarks[[65, 66, 67], 1] += 5
    landmarks[54] = landmarks[48]
    assert mouth_opening(landmarks) == 0
