"""AFLW2000-3D, from files written in its layout."""

import numpy as np
import pytest
from scipy.io import savemat

from keras_3dmmstn.training.data.readers.aflw2000 import is_aflw2000, read_aflw2000
from tests.support.face_folders import write_aflw2000


def test_labels_count_pixels_from_one_and_pose_is_roll_pitch_yaw(tmp_path, rng):
    points = rng.uniform(20, 180, (2, 3, 68))
    folder = write_aflw2000(tmp_path, points, [-1.2, 0.5])
    assert is_aflw2000(folder)
    faces = read_aflw2000(folder)
    assert [path.name for path in faces.paths] == ["image00002.jpg", "image00003.jpg"]
    assert faces.landmarks.shape == (2, 89, 3)
    np.testing.assert_allclose(faces.landmarks[1, :68, 0], points[1, 0] - 1, rtol=1e-6)
    np.testing.assert_allclose(faces.landmarks[1, :68, 1], points[1, 1] - 1, rtol=1e-6)
    assert (faces.landmarks[:, :68, 2] == 1).all() and (faces.landmarks[:, 68:, 2] == 0).all()
    np.testing.assert_allclose(faces.pose, [[0.3, 0.1, -1.2], [0.3, 0.1, 0.5]], rtol=1e-6)


def test_other_folders_are_not_taken_for_it(tmp_path):
    savemat(tmp_path / "model.mat", {"mean": np.zeros(3)})
    assert not is_aflw2000(tmp_path)
    with pytest.raises(ValueError, match=r"\.jpg and \.mat files of AFLW2000-3D in .*found none"):
        read_aflw2000(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"Pose_Para": np.zeros((1, 7))}, "with pt3d_68 and Pose_Para"),
        ({"pt3d_68": np.zeros((3, 68))}, "with pt3d_68 and Pose_Para"),
        (
            {"pt3d_68": np.zeros((2, 68)), "Pose_Para": np.zeros((1, 7))},
            r"received shape \(2, 68\)",
        ),
        ({"pt3d_68": np.zeros((3, 68)), "Pose_Para": np.zeros((1, 3))}, "3 numbers"),
        ({"pt3d_68": np.full((3, 68), np.nan), "Pose_Para": np.zeros((1, 7))}, "finite pt3d_68"),
    ],
)
def test_a_malformed_label_file_is_named(content, message, tmp_path, rng):
    folder = write_aflw2000(tmp_path, rng.uniform(20, 180, (1, 3, 68)), [0.0])
    savemat(folder / "image00002.mat", content)
    with pytest.raises(ValueError, match=rf"image00002\.mat: expected .*{message}"):
        read_aflw2000(folder)


@pytest.mark.parametrize("content", [b"", b"no MATLAB file, but text of some length" * 9])
def test_a_label_file_that_is_none_is_named(content, tmp_path, rng):
    folder = write_aflw2000(tmp_path, rng.uniform(20, 180, (1, 3, 68)), [0.0])
    (folder / "image00002.mat").write_bytes(content)
    with pytest.raises(ValueError, match=r"image00002\.mat: expected a MATLAB file"):
        read_aflw2000(folder)
