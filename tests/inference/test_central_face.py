from pathlib import Path

import numpy as np
import pytest

from keras_3dmmstn.inference.central_face import central_face, read_boxes
from tests.support.detectors import DetectorThatSays
from tests.support.faces_with_labels import normaliser_that_says

PHOTOGRAPH = np.zeros((200, 240, 3), np.uint8)


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


def test_of_several_faces_the_one_nearest_the_middle_counts(normaliser, monkeypatch):
    # The middle is (119.5, 99.5); the largest face comes first and is not the nearest.
    found = [[0, 0, 90, 90], [90, 60, 150, 120], [150, 120, 200, 170]]
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays(found))
    middle = central_face(normaliser, PHOTOGRAPH).box
    assert np.linalg.norm((middle[:2] + middle[2:]) / 2 - [120, 90]) < 10


def test_a_given_box_is_taken(normaliser):
    box = np.array([20.0, 20.0, 80.0, 80.0])
    np.testing.assert_array_equal(central_face(normaliser, PHOTOGRAPH, box).box, box)


def test_no_face_is_an_error(normaliser, monkeypatch):
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([]))
    with pytest.raises(ValueError, match=r"no face was found\."):
        central_face(normaliser, PHOTOGRAPH)


def write(path, text):
    path.write_text(text)
    return path


def test_boxes_are_found_by_the_end_of_a_path(tmp_path):
    boxes = read_boxes(
        write(tmp_path / "boxes.csv", "image,x0,y0,x1,y1\nann/1.jpg,1,2,3,4\n2.jpg,5,6,7,8.5\n")
    )
    assert boxes.box_of(Path("faces/ann/1.jpg")).tolist() == [1, 2, 3, 4]
    assert boxes.box_of(Path("/data/bob/2.jpg")).tolist() == [5, 6, 7, 8.5]
    with pytest.raises(
        ValueError, match=r"bob/1\.jpg: expected its box in .*boxes\.csv, found none"
    ):
        boxes.box_of(Path("bob/1.jpg"))


@pytest.mark.parametrize(
    "text",
    ["image,x0,y0,x1\na,1,2,3\n", "image,x0,y0,x1,y1\na,1,2,far,4\n", "image,x0,y0,x1,y1\na,1\n"],
)
def test_a_malformed_file_of_boxes_is_named(text, tmp_path):
    with pytest.raises(ValueError, match=r"boxes\.csv: expected columns image, x0, y0, x1, y1"):
        read_boxes(write(tmp_path / "boxes.csv", text))
