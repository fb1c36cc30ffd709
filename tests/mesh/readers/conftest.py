"""A small model to write in the layouts of the published ones."""

from types import SimpleNamespace

import numpy as np
import pytest

Y_UP_TO_PACKAGE = np.array([1.0, -1.0, -1.0])


@pytest.fixture
def small():
    """A convex, lopsided face of 9 x 7 vertices, y up, millimetres, four modes of each kind."""
    rng = np.random.default_rng(3)
    down, across = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 7), indexing="ij")
    mean = np.stack([70 * across, -90 * down, 80 - 40 * across**2 - 30 * down**2], axis=-1)
    mean = mean.reshape(-1, 3) + rng.normal(size=(63, 3))
    index = np.arange(63).reshape(9, 7)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    triangles = np.concatenate(
        [np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)]
    )
    return SimpleNamespace(
        mean=mean,
        identity=rng.normal(size=(4, 63, 3)),
        expression=rng.normal(size=(4, 63, 3)),
        triangles=triangles,
        to_package=lambda points: points * Y_UP_TO_PACKAGE,
    )


@pytest.fixture
def assert_is_upright_face():
    """Checks a face model's frame, size, sides and triangles."""

    def check(model):
        points = model.mean[model.landmarks["ibug68"]]
        left_eye, right_eye = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
        assert 55 < np.linalg.norm(left_eye - right_eye) < 70
        assert (points[:8, 0] < points[8, 0]).all() and (points[9:17, 0] > points[8, 0]).all()
        assert points[36, 0] < points[39, 0] < points[42, 0] < points[45, 0]
        assert points[48, 0] < points[60, 0] < 0 < points[64, 0] < points[54, 0]
        brow, eye, nose, mouth, chin = (points[k, 1] for k in (19, 36, 30, 51, 8))
        assert brow < eye < nose < mouth < chin
        assert points[30, 2] == points[:, 2].min(), "the nose is nearest to the viewer"
        assert (np.diff(points[:9, 1]) > 0).all() and (np.diff(points[8:17, 1]) < 0).all()
        used = np.unique(model.triangles)
        corners = model.mean[model.triangles].astype(float)
        volume = np.linalg.det(corners - model.mean[used].mean(axis=0)).sum()
        assert volume > 0, "triangles are counter-clockwise from outside"
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        at_nose = (model.triangles == model.landmarks["ibug68"][30]).any(axis=1)
        assert normals[at_nose].sum(axis=0)[2] < 0

    return check
