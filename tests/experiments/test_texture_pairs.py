"""Differences and scores of pairs of textures."""

import numpy as np
import pytest
from texture_pairs import correlation, pair_lines, texture_difference, verification

EVEN = np.ones((8, 9))


def test_a_gain_for_each_channel_makes_no_difference(rng):
    texture = rng.uniform(5, 120, (8, 9, 3))
    joint = rng.random((8, 9)) > 0.3
    other = np.where(joint[..., None], texture * (0.4, 1.7, 2.0), 77)
    assert texture_difference(texture, other, joint, EVEN) == pytest.approx(0, abs=1e-4)


def test_the_difference_is_that_of_a_loop(rng):
    first, second = rng.uniform(1, 200, (2, 8, 9, 3))
    joint, weights = rng.random((8, 9)) > 0.4, rng.uniform(0.5, 2, (8, 9))
    seen = list(zip(*np.nonzero(joint), strict=True))
    total = sum(weights[p] for p in seen)
    expected = 0.0
    for channel in range(3):
        a, b = (
            sum(weights[p] * picture[(*p, channel)] for p in seen) / total
            for picture in (first, second)
        )
        level = np.sqrt(a * b)
        for p in seen:
            difference = first[(*p, channel)] * level / a - second[(*p, channel)] * level / b
            expected += weights[p] * abs(difference) / total / 3
    assert texture_difference(first, second, joint, weights) == pytest.approx(expected)
    assert texture_difference(second, first, joint, weights) == pytest.approx(expected)


def test_textures_that_share_nothing_are_not_compared():
    texture = np.full((8, 9, 3), 50.0)
    nowhere = np.zeros((8, 9), bool)
    assert np.isnan(texture_difference(texture, texture, nowhere, EVEN))
    assert np.isnan(correlation(texture[..., 0], texture[..., 0], nowhere))
    everywhere = ~nowhere
    assert np.isnan(texture_difference(0 * texture, texture, everywhere, EVEN))


def test_a_correlation_counts_what_both_show(rng):
    first = rng.normal(size=(8, 9))
    joint = rng.random((8, 9)) > 0.3
    second = np.where(joint, 3 * first + 5, -first)
    assert correlation(first, second, joint) == pytest.approx(1)
    assert correlation(first, -second, joint) == pytest.approx(-1)
    other = rng.normal(size=(8, 9))
    expected = np.corrcoef(first[joint], other[joint])[0, 1]
    assert correlation(first, other, joint) == pytest.approx(expected)


def test_scores_that_separate_make_no_errors():
    result = verification(np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, True, False, False]))
    assert result == {"auc": pytest.approx(100), "eer": pytest.approx(0)}


def test_the_area_is_the_share_of_pairs_in_order(rng):
    same = np.array([True] * 30 + [False] * 40)
    scores = np.round(rng.normal(size=70) + same, 1)  # with ties
    expected = np.mean(
        [(s > d) + 0.5 * (s == d) for s in scores[same] for d in scores[~same]],
    )
    result = verification(scores, same)
    assert result["auc"] == pytest.approx(100 * expected)
    assert 10 < result["eer"] < 60


def test_a_quarter_of_errors_of_both_kinds_is_the_rate_where_they_are_equal():
    same = np.array([True] * 4 + [False] * 4)
    scores = np.array([0.9, 0.8, 0.7, 0.2, 0.6, 0.1, 0.1, 0.1])
    assert verification(scores, same)["eer"] == pytest.approx(25)


def test_pairs_that_could_not_be_compared_count_as_different():
    result = verification(np.array([np.nan, 0.5, 0.1]), np.array([True, True, False]))
    assert result["auc"] == pytest.approx(50)


def test_lines_say_everything():
    difference = dict.fromkeys(("same_texels", "different_texels"), 1.25)
    difference |= dict.fromkeys(("same_area", "different_area"), 2.5)
    row = {"same_pairs": 3, "different_pairs": 4, "difference": difference}
    row["verification"] = {"texture": {"auc": 81.5, "eer": 20.25}}
    first, second = pair_lines({"faces": row})
    assert "3 + 4 pairs" in first and "1.25" in first and "2.50" in first
    assert "81.50" in second and "20.25" in second
