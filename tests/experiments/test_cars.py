"""Cars that are made up: their shapes, their pictures, and what is measured of textures."""

import car_data
import car_shapes
import numpy as np
import pytest
from car_paint import random_paint
from car_pictures import Pose, picture_of
from car_textures import _correlation

from keras_3dmmstn.mesh import find_mirror
from keras_3dmmstn.mesh.flattening.flatten import check_disc, check_mirror

NAMES = car_shapes.LANDMARK_NAMES


def a_picture(yaw, seed=3, size=160):
    rng = np.random.default_rng(seed)
    shape, paint = car_shapes.random_shape(rng), random_paint(rng)
    pose = Pose(np.radians(yaw), np.radians(25), 0.0, size / 4200 * 0.55, (size / 2, size / 2))
    return picture_of(shape, paint, pose, size, rng)


def test_all_bodies_are_discs_of_one_symmetric_topology():
    rng, triangles = np.random.default_rng(0), car_shapes.triangles()
    check_disc(triangles, car_shapes.SIZE**2)
    for _ in range(3):
        body = car_shapes.body(car_shapes.random_shape(rng))
        mirror = find_mirror(body, triangles)
        check_mirror(triangles, mirror)
        np.testing.assert_allclose(body[mirror], body * [-1, 1, 1], atol=1e-6)
        a, b, c = (body[triangles[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        assert normals[:, 2].sum() < 0  # the outside looks at the viewer


def test_landmarks_have_partners_on_the_other_side():
    body = car_shapes.body(car_shapes.CarShape())[car_shapes.landmarks()]
    for name, place in zip(NAMES, body, strict=True):
        if name.startswith("left "):
            partner = body[NAMES.index(name.replace("left", "right", 1))]
            np.testing.assert_allclose(place, partner * [-1, 1, 1], atol=1e-6)
            assert place[0] < 0


@pytest.mark.parametrize(("yaw", "seen", "hidden"), [(50, "right", "left"), (-50, "left", "right")])
def test_a_turned_car_shows_one_flank(yaw, seen, hidden):
    labels = a_picture(yaw).landmarks
    assert labels[NAMES.index(f"{seen} sill middle"), 2] == 1
    assert labels[NAMES.index(f"{hidden} sill middle"), 2] == 0


def test_a_picture_shows_the_car_where_its_box_is():
    picture, other = a_picture(20), a_picture(20, seed=4)
    x0, y0, x1, y1 = picture.box
    inside = picture.landmarks[:, :2]
    assert (inside >= [x0 - 1, y0 - 1]).all() and (inside <= [x1 + 1, y1 + 1]).all()
    assert picture.pixels.shape == (160, 160, 3) and (picture.pixels != other.pixels).any()


def test_shards_are_made_once_and_alike(tmp_path, monkeypatch):
    monkeypatch.setattr(car_data, "_SHARD", 2)
    first = car_data.crops(tmp_path / "a", "training", 3)
    assert first.images.shape == (3, 140, 140, 3) and first.landmarks.shape == (3, len(NAMES), 3)
    again = car_data.crops(tmp_path / "b", "training", 3)
    np.testing.assert_array_equal(first.images, again.images)
    before = sorted(path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir())
    car_data.crops(tmp_path / "a", "training", 4)
    assert sorted(path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()) == before
    other = car_data.crops(tmp_path / "a", "held out", 2)
    assert (other.images != first.images[:2]).any()


def test_textures_are_compared_where_both_are_seen():
    a = np.arange(100.0).reshape(10, 10)
    seen, half = np.ones((10, 10), bool), np.ones((10, 10), bool)
    half[5:] = False
    spoilt = np.where(half, 2 * a + 7, 0)
    assert _correlation((a, seen), (spoilt, half)) == pytest.approx(1)
    assert _correlation((a, seen), (spoilt, np.zeros((10, 10), bool))) == 0
