import numpy as np
import pytest

from keras_3dmmstn.drawing.label_sheet import label_sheet


@pytest.mark.parametrize(("point", "colour"), [(8, (0, 255, 0)), (70, (255, 64, 255))])
def test_the_sheet_shows_crops_with_their_points(point, colour):
    images, landmarks = np.zeros((3, 96, 96, 3), np.uint8), np.zeros((3, 89, 3), np.float32)
    landmarks[1, point] = 40, 61, 1
    sheet = label_sheet(images, landmarks, 64.0, side=192)
    assert sheet.shape == (192, 3 * 192, 3)
    x, y = np.round((landmarks[1, point, :2] + 0.5) * 2 - 0.5).astype(int)
    assert np.abs(sheet[y, 192 + x].astype(int) - colour).max() < 60
    landmarks[..., 2] = 0
    assert set(label_sheet(images, landmarks, 64.0).ravel()) <= {0, 90}, "the square alone"


def test_the_square_is_what_the_network_sees():
    images, landmarks = np.zeros((1, 96, 96, 3), np.uint8), np.zeros((1, 89, 3), np.float32)
    rows, columns = np.nonzero(label_sheet(images, landmarks, 64.0, side=192)[..., 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (32, 159, 32, 159)


def test_the_last_row_is_filled_with_black():
    images = np.full((10, 8, 8, 3), 200, np.uint8)
    sheet = label_sheet(images, np.zeros((10, 89, 3)), 6.0, side=16)
    assert sheet.shape == (32, 8 * 16, 3)
    assert not sheet[16:, 32:].any() and sheet[16:, :32].any()
