"""Pictures of a measurement."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.cumulative_curve import draw_curves
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.training.evaluation import pictures
from keras_3dmmstn.training.evaluation.measurement import measure
from keras_3dmmstn.training.evaluation.report import describe
from tests.support.faces_with_labels import (
    labelled_faces,
    mean_face_points,
    normaliser_that_says,
    write_photographs,
)


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


@pytest.fixture
def measurement(normaliser, tmp_path):
    """Three black photographs whose labels are ever further from the predictions."""
    paths = write_photographs(tmp_path / "faces", 3)
    for path in paths:
        cv2.imwrite(str(path), np.zeros((200, 240, 3), np.uint8))
    points = np.repeat(mean_face_points(normaliser)[None], 3, axis=0)
    points[1, 17:] += 1
    points[2, 17:60] += 6
    return measure(normaliser, labelled_faces(paths, points))


def test_all_pictures_of_all_data_sets_are_written(normaliser, measurement, tmp_path):
    measurements = {"one/faces": measurement, "other/faces": measurement}
    descriptions = {name: describe(m, 10) for name, m in measurements.items()}
    out = tmp_path / "out"
    out.mkdir()
    written = list(pictures.write_pictures(out, normaliser, measurements, descriptions))
    kinds = ("landmarks.png", "worst.jpg", "median.jpg", "textures.jpg")
    names = {f"{stem}_{kind}" for stem in ("faces", "faces-2") for kind in kinds}
    assert {path.name for path in written} == names | {"cumulative_curve.png"}
    assert {path.name for path in out.iterdir()} == {path.name for path in written}
    for path in written:
        assert read_photograph(path).size


def test_the_worst_face_comes_first_and_has_both_points_where_they_are(measurement, normaliser):
    sheet = pictures.face_sheet(measurement, np.array([2]))
    card = sheet[:256]
    matrix = pictures.framing.crop_matrix(measurement.boxes[2], 256)
    labelled = measurement.faces.landmarks[2, 20, :2]
    for point, is_green in ((labelled, True), (measurement.predicted[2, 20], False)):
        x, y = np.round(pictures.framing.apply_similarity(matrix, point)).astype(int)
        red, green, _ = card[y, x].astype(int)
        assert (green > 150 > red) if is_green else (red > 150 > green)


def test_a_larger_error_has_a_larger_and_redder_circle(normaliser):
    # On eyebrows and chin of the toy face: far from each other.
    rows = [
        {"set": "ibug68", "point": 8, "percent": 8.0},
        {"set": "ibug68", "point": 19, "percent": 2.0},
    ]
    picture = pictures.landmark_picture(normaliser.grid_model, rows).astype(int)
    red = (picture[..., 0] > 220) & (picture[..., 1] < 60)
    green = (picture[..., 1] > 150) & (picture[..., 0] < 160) & (picture[..., 2] < 90)
    assert red.sum() > 8 * green.sum() > 0
    assert np.nonzero(red)[0].mean() > np.nonzero(green)[0].mean()  # the chin is below


def test_textures_are_those_of_the_normaliser(measurement, normaliser):
    path = measurement.faces.paths[0]
    cv2.imwrite(str(path), np.random.default_rng(1).integers(0, 256, (200, 240, 3), np.uint8))
    sheet = pictures.texture_sheet(normaliser, measurement, np.array([0]))
    (face,) = normaliser(path, measurement.boxes[:1])
    np.testing.assert_array_equal(sheet, pictures.resized(face.texture, 112))


def test_the_curve_rises_from_the_lower_left_to_the_upper_right():
    levels = np.linspace(0, 10, 101)
    description = {
        "threshold_percent": 10.0,
        "cumulative_curve": {"percent": levels, "share": (levels >= 5).astype(float)},
        "area_under_curve": 0.5,
    }
    picture = draw_curves({"faces": description}).astype(int)
    blue = (picture[..., 2] > 150) & (picture[..., 0] < 60)
    plot = blue[24:420, 70:696]
    left, right = plot[:, :240], plot[:, 330:]  # the legend is between them
    assert np.nonzero(left)[0].min() > 380  # on the axis below
    assert right[:3].any(axis=0).mean() > 0.95  # along the top
