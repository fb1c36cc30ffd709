"""Labels found in fitted grids whose place is known."""

import numpy as np
import pytest
from label_dispersion import GROUPS, dispersion, dispersion_lines, group_means, nearest_places


def sheared_grid(rows=20, columns=24):
    """A grid in a photograph: x grows by 3 for a column and by 1 for a row, y by 2 for a row."""
    row, column = np.indices((rows, columns))
    return np.stack([3 * column + row + 7, 2 * row - 4], axis=-1).astype(np.float32)


def in_photograph(places):
    row, column = np.moveaxis(places, -1, 0)
    return np.stack([3 * column + row + 7, 2 * row - 4], axis=-1)


def flat_surface(rows=20, columns=24):
    """One texel is 1.5 mm wide and 1.5 mm high."""
    row, column = np.indices((rows, columns))
    return 1.5 * np.stack([column, row, 0 * row], axis=-1).astype(float)


def test_a_label_on_the_face_is_found_within_its_cell(rng):
    places = rng.uniform(0, (19, 23), (68, 2))
    grid = sheared_grid()
    found, distances = nearest_places(grid, np.ones((20, 24), bool), in_photograph(places))
    np.testing.assert_allclose(found, places, atol=1e-5)
    np.testing.assert_allclose(distances, 0, atol=1e-5)


def test_a_label_beside_the_face_goes_to_the_nearest_border():
    grid = np.stack(np.indices((6, 6))[::-1], axis=-1) * 10.0
    labels = np.array([(-3.0, 22.0), (54.0, 53.0)])  # left of column 0; beyond the last corner
    found, distances = nearest_places(grid, np.ones((6, 6), bool), labels)
    np.testing.assert_allclose(found, [(2.2, 0), (5, 5)], atol=1e-6)
    np.testing.assert_allclose(distances, [3, 5], atol=1e-6)


def test_hidden_cells_are_not_found():
    grid = np.stack(np.indices((6, 6))[::-1], axis=-1) * 10.0
    mask = np.ones((6, 6), bool)
    mask[:, 3:] = False
    found, distances = nearest_places(grid, mask, np.array([(41.0, 12.0)]))
    np.testing.assert_allclose(found, [(1.2, 2)], atol=1e-6)
    np.testing.assert_allclose(distances, [21], atol=1e-6)
    found, distances = nearest_places(grid, np.zeros((6, 6), bool), np.array([(1.0, 1.0)]))
    assert np.isnan(found).all() and np.isnan(distances).all()


def test_the_search_among_the_nearest_cells_agrees_with_that_among_all(rng):
    row, column = np.indices((20, 24))
    bend = 2 * np.sin(row / 3) + column**1.2
    grid = np.stack([2 * bend, row + np.cos(column / 4)], axis=-1)
    mask, labels = rng.random((20, 24)) > 0.1, rng.uniform(-5, (95, 25), (68, 2))
    few = nearest_places(grid, mask, labels)
    every = nearest_places(grid, mask, labels, cells=grid.size)
    np.testing.assert_allclose(few[1], every[1], atol=1e-9)


def test_exact_labels_do_not_scatter():
    places = np.tile(np.linspace(1, 17, 68)[None, :, None], (5, 1, 2))
    for label in dispersion(places, flat_surface()):
        assert label["photographs"] == 5
        assert label["rms"] == label["median"] == pytest.approx(0, abs=1e-12)
        assert label["rms_mm"] == pytest.approx(0, abs=1e-12)


def test_labels_scatter_by_their_noise(rng):
    noise = rng.normal(0, 1, (40, 68, 2))
    noise -= noise.mean(axis=0)
    places = np.array([9.0, 11.0]) + noise
    described = dispersion(places, flat_surface())
    expected = np.sqrt((noise**2).sum(axis=-1).mean(axis=0))
    np.testing.assert_allclose([d["rms"] for d in described], expected)
    np.testing.assert_allclose([d["rms_mm"] for d in described], 1.5 * expected)
    np.testing.assert_allclose([d["u"] for d in described], 11)
    np.testing.assert_allclose([d["v"] for d in described], 9)
    median = np.median(np.linalg.norm(noise, axis=-1), axis=0)
    np.testing.assert_allclose([d["median"] for d in described], median)


def test_labels_that_do_not_count_are_left_out():
    places = np.full((3, 68, 2), 4.0)
    places[0, 5] = np.nan
    places[:, 6] = np.nan
    described = dispersion(places, flat_surface())
    assert described[5]["photographs"] == 2 and described[5]["rms"] == 0
    assert described[6] == {"photographs": 0}


def test_means_over_groups_are_shares_of_the_eye_distance():
    row = {"photographs": 9, "u": 0.0, "v": 3.0, "rms": 1.0, "median": 0.5, "rms_mm": 2.0}
    described = [dict(row) for _ in range(68)]
    described[45]["u"] = 20.0
    for point in GROUPS["nose"]:
        described[point]["rms"] = 4.0
    described[0] = {"photographs": 0}
    means = group_means(described)
    assert set(means) == {*GROUPS, "all"}
    assert means["nose"]["rms"] == 4 and means["nose"]["rms_share"] == pytest.approx(20)
    assert means["jaw"]["rms"] == 1 and means["jaw"]["median_share"] == pytest.approx(2.5)
    assert means["all"]["rms"] == pytest.approx((58 + 9 * 4) / 67)
    assert len(dispersion_lines(means)) == 7
