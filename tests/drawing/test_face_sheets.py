"""Sheets of faces with their points, and of textures."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.face_sheets import face_sheet, texture_sheet
from keras_3dmmstn.drawing.panels import resized
from keras_3dmmstn.network import framing
from tests.support.faces_with_labels import normaliser_that_says


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "photograph.png"
    picture = np.random.default_rng(1).integers(0, 256, (200, 240, 3), np.uint8)
    cv2.imwrite(str(path), picture)
    return path


def test_labels_are_green_and_predictions_red_where_they_are(tmp_path):
    path, box = tmp_path / "black.png", np.array([60.0, 50.0, 180.0, 170.0])
    cv2.imwrite(str(path), np.zeros((200, 240, 3), np.uint8))
    labels = np.array([[90.0, 80.0, 1.0], [150.0, 90.0, 0.0]])
    predicted = np.array([[97.0, 84.0], [140.0, 140.0]])
    sheet = face_sheet([path], box[None], labels[None], predicted[None], ["face"]).astype(int)
    matrix = framing.crop_matrix(box, 256)
    places = framing.apply_similarity(matrix, np.stack([labels[0, :2], predicted[0]]))
    for (x, y), is_green in zip(np.round(places).astype(int), (True, False), strict=True):
        red, green, _ = sheet[y, x]
        assert (green > 150 > red) if is_green else (red > 150 > green)
    ((x, y),) = np.round(framing.apply_similarity(matrix, predicted[1:])).astype(int)
    assert not sheet[y, x].any(), "a point without a label is not drawn"


def test_faces_stand_in_rows_of_five_with_captions(photograph):
    boxes, points = np.tile([60.0, 50.0, 180.0, 170.0], (6, 1)), np.zeros((6, 1, 3))
    sheet = face_sheet([photograph] * 6, boxes, points, points[..., :2], ["text"] * 6)
    height, width = 256 + 24, 256
    assert sheet.shape == (2 * height + 6, 5 * width + 4 * 6, 3)
    assert (sheet[256:height, :width] < 100).any(), "the caption is dark on white"


def test_textures_are_those_of_the_normaliser(photograph):
    normaliser = normaliser_that_says()
    boxes = np.array([[60.0, 50.0, 180.0, 170.0]])
    (face,) = normaliser(photograph, boxes)
    sheet = texture_sheet(normaliser, [photograph], boxes)
    np.testing.assert_array_equal(sheet, resized(face.texture, 112))
