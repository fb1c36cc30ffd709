"""What a texture gives to the features, on flat grids where it is known."""

import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.feature_layout import cell_areas, feature_layout, inside_polygon

ROWS, COLUMNS = 41, 61
# Row and column of the points that count; the others lie in a corner.
PLACES = {
    **{36: (20, 5), 37: (18, 9), 38: (18, 11), 39: (20, 15), 40: (22, 11), 41: (22, 9)},
    **{42: (20, 45), 43: (18, 49), 44: (18, 51), 45: (20, 55), 46: (22, 51), 47: (22, 49)},
    **{31: (26, 25), 35: (26, 35), 48: (34, 20), 54: (34, 40), 60: (34, 22), 64: (34, 38)},
}


def flat_face(column_width):
    """A flat face whose columns have widths in millimetres and whose rows are 3 mm high."""
    x = np.concatenate([[0], np.cumsum(column_width)])
    mean = [(x[column], 3.0 * row, 0.0) for row in range(ROWS) for column in range(COLUMNS)]
    index = np.zeros(68, int)
    # The lips are a rectangle.
    upper = {49 + n: (30, 20 + 5 * n) for n in range(5)}
    lower = {55 + n: (38, 40 - 5 * n) for n in range(5)}
    for point, (row, column) in {**PLACES, **upper, **lower}.items():
        index[point] = row * COLUMNS + column
    return GridModel(mean, np.zeros((1, len(mean), 3)), (ROWS, COLUMNS), {"ibug68": index}, 1)


def test_on_an_even_grid_texture_and_face_have_the_same_widths():
    layout = feature_layout(flat_face(np.full(COLUMNS - 1, 2.0)))
    expected = {"mouth": 20 / 50, "inner lips": 16 / 50, "eye": 10 / 50, "nose": 10 / 50}
    assert layout.widths == {name: pytest.approx((w, w)) for name, w in expected.items()}
    assert layout.cell_areas == {"eyes": pytest.approx(6), "lips": pytest.approx(6)}
    assert layout.median_area == pytest.approx(6)
    assert (layout.area_95, layout.area_largest) == (pytest.approx(1), pytest.approx(1))


def test_columns_that_are_wide_on_the_face_are_narrow_in_the_texture():
    width = np.full(COLUMNS - 1, 1.0)
    width[20:40] = 4.0  # those of the mouth
    layout = feature_layout(flat_face(width))
    assert layout.widths["mouth"] == pytest.approx((20 / 50, 80 / 110))
    assert layout.widths["eye"] == pytest.approx((10 / 50, 10 / 110))
    assert layout.cell_areas == {"eyes": pytest.approx(3), "lips": pytest.approx(12)}
    assert layout.median_area == pytest.approx(3) and layout.area_largest == pytest.approx(4)


def test_rows_and_columns_count_by_the_texture_not_by_their_number():
    face = flat_face(np.full(COLUMNS - 1, 2.0))
    index = face.landmarks["ibug68"].copy()
    index[48], index[54] = 10 * COLUMNS + 30, 30 * COLUMNS + 30  # 20 of 40 rows below each other
    upright = GridModel(face.mean, face.basis, face.grid_shape, {"ibug68": index}, 1)
    assert feature_layout(upright).widths["mouth"][0] == pytest.approx((20 / 40) / (50 / 60))


def test_cells_have_their_area_in_the_grids_order():
    width = np.arange(1.0, COLUMNS)
    areas = cell_areas(flat_face(width))
    np.testing.assert_allclose(areas, np.tile(3 * width, (ROWS - 1, 1)), rtol=1e-5)


def test_a_model_without_the_points_is_refused():
    face = flat_face(np.ones(COLUMNS - 1))
    with pytest.raises(ValueError, match="landmark sets none"):
        feature_layout(GridModel(face.mean, face.basis, face.grid_shape))


def test_places_in_the_notch_of_a_polygon_are_outside():
    polygon = np.array([(0, 0), (4, 0), (4, 4), (2, 1), (0, 4)], float)
    places = np.array([(1, 1), (2, 0.5), (2, 2), (3.5, 3), (5, 1), (-1, 1), (2, -1)])
    expected = [True, True, False, True, False, False, False]
    assert inside_polygon(places, polygon).tolist() == expected
    assert inside_polygon(places, polygon[::-1]).tolist() == expected
