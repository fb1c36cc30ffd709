"""What is inside of a region follows the rim."""

import numpy as np

from keras_3dmmstn.mesh import GridModel, visibility_rims


def grid(regions):
    rows, columns = 7, 9
    mean = np.random.default_rng(0).normal(size=(rows * columns, 3))
    return GridModel(mean, np.zeros((1, rows * columns, 3)), (rows, columns), regions=regions)


def test_a_model_without_regions_leaves_each_vertex_on_its_own():
    np.testing.assert_array_equal(visibility_rims(grid({})), np.arange(63))


def test_each_inner_vertex_follows_the_nearest_of_its_own_rim():
    index = np.arange(63).reshape(7, 9)
    regions = {"mouth": index[2:5, 2:7].ravel(), "left_eye": index[0:2, 7:9].ravel()}
    follows = visibility_rims(grid(regions))
    inner = np.concatenate([*regions.values()])
    outer = np.setdiff1d(np.arange(63), inner)
    np.testing.assert_array_equal(follows[outer], outer)
    assert np.isin(follows[inner], outer).all()
    assert follows[index[2, 4]] == index[1, 4]
    assert follows[index[4, 5]] == index[5, 5]
    assert follows[index[3, 2]] == index[3, 1]
    for vertex in inner:
        row, column = divmod(vertex, 9)
        places = zip(*np.divmod(outer, 9), strict=True)
        distance = [np.hypot(row - r, column - c) for r, c in places]
        r, c = divmod(int(follows[vertex]), 9)
        if vertex in regions["mouth"]:
            assert np.hypot(row - r, column - c) == min(distance)


def test_regions_are_kept_in_the_file(tmp_path):
    model = grid({"mouth": [30, 31]})
    model.save(tmp_path / "model.npz")
    loaded = GridModel.load(tmp_path / "model.npz")
    assert list(loaded.regions) == ["mouth"]
    np.testing.assert_array_equal(loaded.regions["mouth"], [30, 31])


def test_on_a_fine_grid_the_rim_lies_further_out_around_the_mouth():
    mean = np.zeros((112 * 112, 3))
    index = np.arange(112 * 112).reshape(112, 112)
    regions = {"mouth": index[70:76, 40:72].ravel(), "left_eye": index[40:46, 20:40].ravel()}
    model = GridModel(mean, np.zeros((1, 112 * 112, 3)), (112, 112), regions=regions)
    follows = visibility_rims(model)
    assert follows[index[70, 56]] == index[64, 56]  # 5 + 1 above
    assert follows[index[66, 56]] == index[64, 56]
    assert follows[index[64, 56]] == index[64, 56]
    assert follows[index[40, 30]] == index[37, 30]  # 2 + 1 above
