"""Pictures of a measurement."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.face_sheets import face_sheet
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


def test_the_worst_faces_are_shown_with_their_errors(normaliser, measurement, tmp_path):
    description = describe(measurement, 10)
    out = {
        path.name: path
        for path in pictures.write_pictures(
            tmp_path, normaliser, {"faces": measurement}, {"faces": description}
        )
    }
    errors = np.nanmean(measurement.errors, axis=1)
    captions = [f"{measurement.faces.paths[n].stem}: {errors[n]:.2f} %" for n in (2, 1, 0)]
    order = [2, 1, 0]
    expected = face_sheet(
        [measurement.faces.paths[n] for n in order],
        measurement.boxes[order],
        measurement.faces.landmarks[order],
        measurement.predicted[order],
        captions,
    )
    # JPEG: thin lines of colour lose most.
    difference = np.abs(read_photograph(out["faces_worst.jpg"]).astype(int) - expected)
    assert difference.mean() < 3
