"""What is background, for labels whose outline is known."""

import numpy as np
import pytest
from texture_background import FOREHEAD, background, face_outline, yaw_bin_name


def round_face(centre=(200.0, 180.0), radius=100.0):
    """Labels whose jaw is the lower half of a circle; the rest lies inside."""
    angle = np.pi * np.linspace(1, 0, 17)
    jaw = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    brows = np.stack([np.linspace(-0.6, 0.6, 10), np.full(10, -0.3)], axis=1)
    inner = np.stack([np.linspace(-0.4, 0.4, 41), np.linspace(-0.1, 0.6, 41)], axis=1)
    return radius * np.concatenate([jaw, brows, inner]) + centre


def grid_of(low, high, count=200):
    y, x = np.meshgrid(*[np.linspace(low, high, count)] * 2, indexing="ij")
    return np.stack([x, y], axis=-1)


def test_the_outline_closes_over_the_forehead():
    outline = face_outline(round_face())
    np.testing.assert_allclose(outline[:17], round_face()[:17])
    forehead = outline[17:] - (200, 180)
    np.testing.assert_allclose((forehead / (100, FOREHEAD * 100)) ** 2 @ [1, 1], 1)
    assert forehead[:, 1].max() < 0 and forehead[0, 0] > 0 > forehead[-1, 0]


def test_background_is_beyond_the_jaw_and_below_the_brows():
    labels, points = round_face(), grid_of(20.0, 340.0)
    found = background(points, labels, margin=0.0)
    offset = points - (200, 180)
    x, y = np.moveaxis(offset, -1, 0)
    below_brows = y > -30
    is_inside = np.where(y > 0, np.hypot(x, y) < 100, np.hypot(x, y / FOREHEAD) < 100)
    expected = below_brows & ~is_inside
    assert found[expected].mean() > 0.98 and found[~expected].mean() < 0.01
    assert found.mean() == pytest.approx(expected.mean(), abs=0.01)


def test_a_margin_leaves_out_what_is_hardly_outside():
    labels = round_face()
    size = np.sqrt(np.ptp(labels, axis=0).prod())
    places = np.array([(200, 280 + share * size) for share in (-0.05, 0.01, 0.04, 0.2)])
    assert background(places, labels, margin=0.02).tolist() == [False, False, True, True]


def test_a_nose_beyond_the_cheek_is_face():
    labels = round_face()
    labels[30] = (320.0, 230.0)
    assert not background(np.array([314.0, 230.0]), labels, margin=0.0)
    assert background(np.array([330.0, 230.0]), labels, margin=0.0)


def test_a_face_upside_down_has_its_background_above():
    labels = round_face(centre=(0.0, 0.0))
    places = np.array([(0.0, 140.0), (0.0, -140.0)])
    assert background(places, labels).tolist() == [True, False]
    assert background(places, -labels).tolist() == [False, True]


def test_bins_of_yaw_have_names():
    assert [yaw_bin_name(yaw) for yaw in (0, -20, 21, 45, -50)] == [
        "0–20°",
        "0–20°",
        "20–45°",
        "20–45°",
        "over 45°",
    ]
