"""What is said of a measurement."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from keras_3dmmstn.training.data.crops import Skipped
from keras_3dmmstn.training.evaluation import report, tables
from keras_3dmmstn.training.evaluation.measurement import Measurement
from tests.support.faces_with_labels import labelled_faces

# Boxes of 100 x 100 pixels: a distance in pixels is one in %, and 1.2 pixels at 224.
PIXELS_AT_224 = 1.2


def measurement_with(
    distances, moved=None, landmark_set="ibug68", yaw=None, fitted_yaw=None, **others
):
    """A measurement of faces whose points are off by distances `(n, L)`."""
    distances = np.asarray(distances, float)
    count, points = distances.shape
    labels = np.random.default_rng(0).uniform(0, 100, (count, points, 2))
    labels[:, 0], labels[:, 1] = 0, 100
    labels[np.isnan(distances)] = np.nan
    faces = labelled_faces([f"{n}.jpg" for n in range(count)], labels, landmark_set)
    at = faces.landmarks[..., :2].astype(float)
    first = {"ibug68": 0, "aflw21": 68, "ibug68+aflw21": 0}[landmark_set]

    def moved_by(values):
        points_off = at.copy()
        points_off[:, first : first + points, 0] += np.nan_to_num(values)
        return points_off

    boxes = np.tile([0.0, 0.0, 100.0, 100.0], (count, 1))
    return Measurement(
        faces,
        boxes,
        boxes,
        moved_by(distances),
        moved_by(distances if moved is None else moved),
        np.full(count, np.nan) if yaw is None else np.asarray(yaw, float),
        np.zeros(count) if fitted_yaw is None else np.asarray(fitted_yaw, float),
        **others,
    )


def printed(*renderables):
    console = Console(width=100, record=True, file=io.StringIO())
    for renderable in renderables:
        console.print(renderable)
    return console.export_text()


def test_the_jaw_counts_in_68_points_and_not_in_51():
    distances = np.full((3, 68), 2.0)
    distances[:, :17] = 6.0
    points = report.describe(measurement_with(distances), 10)["points"]
    assert list(points) == ["all labelled points", "68 points", "51 inner points"]
    assert points["51 inner points"]["percent"]["mean"] == pytest.approx(2, rel=1e-4)
    mean = (17 * 6 + 51 * 2) / 68
    for group in ("68 points", "all labelled points"):
        assert points[group]["percent"]["mean"] == pytest.approx(mean, rel=1e-4)
        assert points[group]["pixels"]["mean"] == pytest.approx(PIXELS_AT_224 * mean, rel=1e-4)


def test_aflw_faces_count_their_visible_points():
    distances = np.full((2, 21), 3.0)
    distances[1, :20] = np.nan
    distances[1, 20] = 5.0
    description = report.describe(measurement_with(distances, landmark_set="aflw21"), 10)
    assert list(description["points"]) == ["all labelled points", "21 points of AFLW"]
    summary = description["points"]["21 points of AFLW"]["percent"]
    assert summary["mean"] == pytest.approx(4, rel=1e-4) and summary["faces"] == 2
    landmarks = {(row["set"], row["point"]): row for row in description["landmarks"]}
    assert landmarks["aflw21", 0]["labelled"] == 1 and landmarks["aflw21", 20]["labelled"] == 2
    assert landmarks["aflw21", 20]["percent"] == pytest.approx(4, rel=1e-4)


def test_bins_of_yaw_have_their_means_and_an_unweighted_one():
    distances = np.outer([1.0, 3.0, 4.0, 6.0], np.ones(68))
    yaw, fitted = [-10, 30, 50, -75], [-14, -28, 40, -65]
    measurement = measurement_with(distances, yaw=yaw, fitted_yaw=fitted)
    described = report.describe(measurement, 10)["yaw_bins"]
    assert described["source"] == "labelled"
    assert [(row["from"], row["to"], row["faces"]) for row in described["bins"]] == [
        (0, 30, 2),
        (30, 60, 1),
        (60, 90, 1),
    ]
    np.testing.assert_allclose([row["percent"] for row in described["bins"]], [2, 4, 6], rtol=1e-4)
    assert described["unweighted_mean"]["percent"] == pytest.approx(4, rel=1e-4)
    assert described["unweighted_mean"]["pixels"] == pytest.approx(4 * PIXELS_AT_224, rel=1e-4)
    assert [row["yaw_error"] for row in described["bins"]] == [3, 10, 10]
    assert [row["yaw_too_large"] for row in described["bins"]] == [1, -10, -10]
    text = printed(tables.yaw_table({"yaw_bins": described}))
    assert "too large by, °" in text and "-10.00" in text


def test_a_bin_without_faces_has_no_error_and_there_is_no_mean_over_bins():
    described = report.describe(measurement_with(np.full((2, 68), 2.0)), 10)
    bins = described["yaw_bins"]
    assert bins["source"] == "fitted"
    nothing = dict.fromkeys(("percent", "pixels", "yaw_error", "yaw_too_large"))
    assert bins["bins"][2] == {"from": 60, "to": 90, "faces": 0, **nothing}
    assert bins["unweighted_mean"] == {"percent": None, "pixels": None}
    text = printed(tables.yaw_table(described))
    assert "–" in text and "too large" not in text


def test_failures_curve_area_and_robustness():
    distances = np.outer([2.0, 4.0, 12.0], np.ones(68))
    description = report.describe(measurement_with(distances, moved=1.5 * distances), 10)
    assert description["failure_rate"] == pytest.approx(1 / 3)
    assert description["area_under_curve"] == pytest.approx((0.8 + 0.6) / 3, rel=1e-4)
    curve = description["cumulative_curve"]
    assert curve["percent"][0] == 0 and curve["percent"][-1] == 10
    assert curve["share"][0] == 0 and curve["share"][-1] == pytest.approx(2 / 3)
    assert description["moved_boxes"]["ratio"] == pytest.approx(1.5, rel=1e-4)
    assert description["moved_boxes"]["percent"] == pytest.approx(9, rel=1e-4)
    lines = "\n".join(tables.remark_lines(description))
    assert "failures (over 10 %): 33.33 %" in lines
    assert "up to 10 %: 0.4667" in lines and "9.00 %, 1.500 times" in lines


def test_a_description_is_json_with_every_face():
    skipped = (Skipped("gone.jpg", "no such file"),)
    description = report.describe(
        measurement_with(np.outer([2.0, 4.0], np.ones(68)), yaw=[10, np.nan], skipped=skipped), 8
    )
    again = json.loads(json.dumps(description, allow_nan=False))
    assert again == description
    assert again["skipped"] == [{"name": "gone.jpg", "reason": "no such file"}]
    first, second = again["per_face"]
    assert first["name"] == "0.jpg" and first["percent"] == pytest.approx(2, rel=1e-4)
    assert first["yaw_degrees"] == 10 and first["yaw_is_labelled"] is True
    assert second["yaw_degrees"] == second["fitted_yaw_degrees"] == 0
    assert second["yaw_is_labelled"] is False


def test_tables_show_the_numbers():
    distances = np.full((2, 68), 2.0)
    distances[:, 67] = 7.25
    description = report.describe(measurement_with(distances, skipped=(Skipped("a", "b"),)), 10)
    text = printed(tables.summary_table("some/folder", description))
    assert "some/folder: 2 faces, 1 skipped" in text
    assert "68 points" in text and "all labelled points" not in text
    assert f"{2 + 5.25 / 51:.2f}" in text  # the 51 inner points
    lines = printed(tables.landmark_table(description)).splitlines()
    (last,) = (line for line in lines if "68 65" in line)
    assert last.split()[-3:] == ["7.25", "|", "8.70"]


def test_both_sets_labelled_are_summed_up_together():
    distances = np.full((1, 89), 2.0)
    distances[:, 68:] = 6.0
    description = report.describe(measurement_with(distances, landmark_set="ibug68+aflw21"), 10)
    text = printed(tables.summary_table("x", description))
    assert "all labelled points" in text and "21 points of AFLW" in text
    mean = description["points"]["all labelled points"]["percent"]["mean"]
    assert mean == pytest.approx((68 * 2 + 21 * 6) / 89, rel=1e-4)
