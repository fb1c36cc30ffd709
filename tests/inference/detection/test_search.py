import numpy as np
import pytest

from keras_3dmmstn.inference.detection.search import Search, resized
from tests.support.portraits import on_canvas, portrait


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [
        ((480, 640), 1, (480, 640)),
        ((480, 640), 0.75, (360, 480)),
        ((3000, 4000), 1, (768, 1024)),
        ((1, 5000), 1, (1, 1024)),
        ((1, 1), 1, (32, 32)),
        ((250, 250), 1, (256, 256)),
        ((1393, 1680), 0.048, (80, 96)),  # without half blocks it would be a smaller multiple
    ],
)
def test_what_is_searched_is_bounded_and_of_few_sizes(shape, scale, expected):
    assert resized(np.zeros((*shape, 3), np.uint8), scale)[1].shape[:2] == expected


def test_the_maps_have_a_cell_for_each_stride():
    maps = Search(24, 1).maps(np.zeros((70, 100, 3), np.uint8))
    assert [values.shape for values in maps] == [(12, 16, 16), (6, 8, 16), (3, 4, 16)]


def test_what_is_beyond_a_picture_is_black():
    search = Search(24, 1)
    search.maps(np.full((96, 128, 3), 255, np.uint8))
    padded = np.zeros((96, 128, 3), np.uint8)
    padded[:70, :100] = 200
    expected = search.maps(padded)
    search.maps(np.full((96, 128, 3), 255, np.uint8))
    for values, same in zip(search.maps(padded[:70, :100]), expected, strict=True):
        np.testing.assert_array_equal(values, same)


def test_candidates_lie_in_the_photograph_however_it_is_shrunk():
    photograph = on_canvas([(portrait(), (1400, 900))], 1500, 2000)
    expected = Search(24, 1)(portrait(), 0.5).boxes[0] + [1400, 900, 1400, 900]
    found = Search(24, 1)(photograph, 0.5)
    # It is searched at about half the size, where a box is good to some per cent of the face.
    np.testing.assert_allclose(found.boxes[0], expected, atol=12)


@pytest.mark.parametrize("side", [2603, 1025, 641, 480])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_picture_shows_what_lies_at_the_same_share_of_the_whole_blocks(side, axis):
    ramp = np.linspace(0, 255, side)
    image = np.broadcast_to(ramp if axis else ramp[:, None], (side, side))
    image = np.repeat(image.round().astype(np.uint8)[..., None], 3, axis=2)
    covered, picture = resized(image, 0.4)
    assert side - covered.shape[0] < 6
    picture = picture[..., 0]
    size = picture.shape[axis]
    places = (np.arange(size) + 0.5) * covered.shape[axis] / size - 0.5
    expected = np.interp(places, np.arange(side), ramp)
    found = picture.mean(axis=1 - axis)
    np.testing.assert_allclose(found[2:-2], expected[2:-2], atol=1.5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3, 4000), (480, 640)])
def test_whole_blocks_are_all_but_the_last_rows_and_columns(shape):
    image = np.zeros((*shape, 3), np.uint8)
    covered, _ = resized(image, 0.75)
    assert covered.size and (np.array(shape) - covered.shape[:2] < 5).all()
    if max(shape) < 1000:
        assert covered.shape == image.shape


def test_places_in_the_coarser_picture_are_those_of_what_it_shows(monkeypatch):
    search = Search(32, 1)

    def maps(picture):
        found = [np.full((20, 20, 16), -20.0) for _ in range(3)]
        if picture.shape[0] == 143:  # the coarser one, of 426 of the 428 rows
            found[2][3, 2] = [20, 20, 0.5, 0.5, 1, 1, *[0.5] * 10]
        return found

    monkeypatch.setattr(search, "maps", maps)
    found = search(np.zeros((570, 640, 3), np.uint8), 0.5)
    x, y = (32 * 2.5 + 0.5) / 160 * 640 - 0.5, (32 * 3.5 + 0.5) / 143 * 426 / 428 * 570 - 0.5
    np.testing.assert_allclose(found.points, [[[x, y]] * 5], atol=1e-6)
