"""A small data set."""

import pytest

from tests.support.face_folders import aflw_points, write_aflw


@pytest.fixture
def aflw(tmp_path):
    faces = {
        1: {"file": "0/a.jpg", "points": aflw_points(yaw=0.2), "pose": (0, 0, 0.2)},
        2: {"file": "0/a.jpg", "points": aflw_points(hidden=(2, 12), yaw=-0.5)},
        3: {"file": "1/b.jpg", "points": aflw_points()},
    }
    return write_aflw(tmp_path / "aflw", faces)
