import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.panels import draw_text, encoded, resized, tiled, with_caption


def flat(colour, height=10, width=20):
    return np.full((height, width, 3), colour, np.uint8)


def test_tiles_fill_rows_from_the_left_with_white_between():
    sheet = tiled([flat(0), flat(50), flat(100)], columns=2)
    assert sheet.shape == (26, 46, 3)
    assert sheet[0, 0, 0] == 0 and sheet[0, 26, 0] == 50 and sheet[16, 0, 0] == 100
    assert (sheet[10:16] == 255).all() and (sheet[:, 20:26] == 255).all()
    assert (sheet[16:, 26:] == 255).all()  # the last row is short


def test_fewer_pictures_than_columns_make_a_narrower_sheet():
    assert tiled([flat(0)], columns=5).shape == (10, 20, 3)


@pytest.mark.parametrize("pictures", [[], [flat(0), flat(0, 12)]])
def test_pictures_that_do_not_fit_together_are_refused(pictures):
    with pytest.raises(ValueError, match="pictures of one shape, received shapes"):
        tiled(pictures, 2)


def ink(picture):
    """The columns of a picture with something dark in them."""
    return np.nonzero((picture < 128).any(axis=(0, 2)))[0]


def test_a_caption_is_centred_below_the_picture_and_fits():
    picture = with_caption(flat(200, 30, 120), "word")
    assert picture.shape == (54, 120, 3)
    np.testing.assert_array_equal(picture[:30], 200)
    columns = ink(picture[30:])
    assert abs(columns.min() + columns.max() - 119) <= 3

    long = ink(with_caption(flat(200, 30, 120), "words " * 12)[30:])
    assert long.min() >= 1 and long.max() <= 118


def test_text_is_aligned_at_its_place():
    places = {}
    for align in ("left", "middle", "right"):
        picture = flat(255, 30, 200)
        draw_text(picture, "width", (100, 20), align=align)
        places[align] = ink(picture)
    assert 98 <= places["left"].min() <= 104
    assert 96 <= places["right"].max() <= 102
    assert abs(places["middle"].mean() - 100) < 4


@pytest.mark.parametrize("size", [7, 30])
def test_resizing_keeps_colours_and_makes_a_square(size):
    picture = resized(flat((200, 100, 50), 16, 16), size)
    assert picture.shape == (size, size, 3)
    np.testing.assert_array_equal(picture[3, 3], (200, 100, 50))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_file_has_red_where_the_picture_has_it(suffix):
    data = np.frombuffer(encoded(flat((250, 20, 10), 16, 16), suffix), np.uint8)
    red, green, blue = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)[8, 8].astype(int)
    assert red > 240 and green < 30 and blue < 20
