from pathlib import Path

import numpy as np
import pytest

from keras_3dmmstn.training.data.faces import LabelledFaces, read_faces
from keras_3dmmstn.training.data.plausible_faces import plausible_faces
from tests.support.face_folders import aflw_points, write_aflw, write_cfp, write_csv, write_mtfl


def faces(**given):
    landmarks = np.ones((3, 89, 3), np.float32)
    landmarks[0, 5] = 0  # not labelled
    return LabelledFaces(tuple(map(Path, ("a.jpg", "b.jpg", "c.jpg"))), landmarks, **given)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ((1, 7, 0), 1e30, "coordinates within ±100,000 pixels, received 1e+30"),
        ((1, 7, 1), -2e5, "received 200000"),
        ((1, 88, 2), 1e30, "confidences of at most 100, received 1e+30"),
    ],
)
def test_a_face_with_an_impossible_landmark_is_left_out_by_name(place, value, reason):
    given = faces()
    given.landmarks[place] = value
    kept = plausible_faces(given)
    assert [path.name for path in kept.paths] == ["a.jpg", "c.jpg"]
    assert kept.skipped[0].name == "b.jpg" and reason in kept.skipped[0].reason


@pytest.mark.parametrize(
    ("name", "columns", "value", "reason"),
    [
        ("pose", 3, 90.0, "a pose in radians, within ±6.28, received 90"),
        ("rectangles", 4, np.inf, "a rectangle within ±100,000 pixels, received inf"),
    ],
)
def test_so_is_one_with_an_impossible_pose_or_rectangle(name, columns, value, reason):
    values = np.full((3, columns), np.nan)
    values[2] = 1.0
    values[2, 1] = value
    kept = plausible_faces(faces(**{name: values}))
    assert len(kept) == 2 and reason in kept.skipped[0].reason


def test_faces_with_possible_numbers_are_as_they_were():
    given = faces(pose=np.full((3, 3), 6.28), rectangles=np.full((3, 4), -99_999.0))
    given.landmarks[2, :, :2] = 65_535.5
    kept = plausible_faces(given)
    assert kept.paths == given.paths and kept.skipped == ()
    np.testing.assert_array_equal(kept.landmarks, given.landmarks)


def test_no_face_left_is_an_error():
    given = faces()
    given.landmarks[:, 3, 0] = 1e30
    with pytest.raises(ValueError, match=r"none of the 3 could be used.*a\.jpg: expected coord"):
        plausible_faces(given)


def test_no_table_makes_a_face_of_such_a_number(tmp_path):
    points = {1: aflw_points(), 2: {**aflw_points(), 3: (1e30, 50.0)}}
    profiles = [
        (f"{n}.jpg", n, "profile", 1, [[n + 1, x]] + [[5, 6]] * 29) for n, x in ((0, 9), (1, 1e30))
    ]
    folders = [
        write_aflw(
            tmp_path / "aflw", {n: {"file": "a.jpg", "points": p} for n, p in points.items()}
        ),
        write_cfp(tmp_path / "cfp", profiles),
        write_mtfl(
            tmp_path / "mtfl", ("a.jpg,1,2,3,4,5,6,7,8,9,10", "b.jpg,1,2,3,4,5,1e30,7,8,9,10")
        ),
    ]
    for folder in folders:
        found = read_faces(folder)
        assert len(found) == 1 and "received 1e+30" in found.skipped[0].reason
        assert np.abs(found.landmarks).max() < 1000
    for more in ([("c0", "1e30")], [("roll", "1e30"), ("pitch", "0"), ("yaw", "0")]):
        more = [*more, *[(f"c{n}", "1") for n in range(1, 68)]]
        with pytest.raises(ValueError, match=r"one\.jpg, line 2: .* received 1e\+30"):
            read_faces(write_csv(tmp_path / "csv", more=more))
