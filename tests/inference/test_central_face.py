import logging

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.central_face import central_face, central_face_of_file
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


def test_the_log_names_the_file(normaliser, tmp_path, caplog):
    cv2.imwrite(str(tmp_path / "ann.png"), PHOTOGRAPH)
    box = np.array([20.0, 20.0, 80.0, 80.0])
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        image, face = central_face_of_file(normaliser, tmp_path / "ann.png", box)
    np.testing.assert_array_equal(image, PHOTOGRAPH)
    np.testing.assert_array_equal(face.box, box)
    assert str(tmp_path / "ann.png") in caplog.text and "array" not in caplog.text


def test_files_that_cannot_be_read_are_named(normaliser, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        central_face_of_file(normaliser, tmp_path / "none.png")
    (tmp_path / "broken.png").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"broken\.png: expected an image"):
        central_face_of_file(normaliser, tmp_path / "broken.png")
