"""Pairs of photographs of known people, read from small folders of each kind."""

import csv

import cv2
import numpy as np
from identity_pairs import read_cfp, read_lfw, read_youtube

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import MIRROR

# What the page of the data says of its 30 points, for the half that is image-left.
POINTS = [*range(9), 17, 19, 21, *range(36, 42), 27, 28, 29, 30, 33, 32, 31, 48, 51, 62, 57, 66]


def write_csv(path, header, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def mean_face(yaw):
    """The 68 points of the bundled mean face, turned, in a photograph of 200 pixels."""
    model = GridModel.bundled()
    points = model.mean[model.landmarks["ibug68"]].astype(float)
    c, s = np.cos(yaw), np.sin(yaw)
    return (points @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]))[:, :2] + 100


def write_cfp(folder):
    """Two people with two frontal photographs and one profile each, in two folds."""
    (folder / "images").mkdir(parents=True)
    rows, boxes = [], {}
    for person, right_side in ((1, 1), (2, 0)):
        kinds = {"f01": ("frontal", 0.0), "f02": ("frontal", 0.1), "p01": ("profile", 0.9)}
        for image, (kind, yaw) in kinds.items():
            # Yaw to the image-right shows the image-left half.
            points = mean_face(yaw if right_side else -yaw)
            name = f"{person:03d}_{image}.jpg"
            boxes[name] = np.concatenate([points.min(axis=0), points.max(axis=0)])
            places = POINTS if right_side else MIRROR["ibug68"][POINTS]
            rows.append([name, person, kind, right_side, *points[places].ravel().round(2)])
    columns = [f"{axis}{n}" for n in range(30) for axis in "xy"]
    write_csv(folder / "landmarks.csv", ["image", "person", "kind", "subject_right_side"], [])
    write_csv(
        folder / "landmarks.csv",
        ["image", "person", "kind", "subject_right_side", *columns],
        rows,
    )
    protocol = folder / "protocol"
    for kind, images in (("F", ("frontal/01", "frontal/02")), ("P", ("profile/01",))):
        names = [f"../Data/Images/{p:03d}/{i}.jpg" for p in (1, 2) for i in images]
        lines = [f"{n} {name}\n" for n, name in enumerate(names, start=1)]
        protocol.mkdir(exist_ok=True)
        (protocol / f"Pair_list_{kind}.txt").write_text("".join(lines))
    pairs = {"FF": ("1,2\n3,4\n", "1,3\n"), "FP": ("2,1\n", "1,2\n")}
    for name, (same, different) in pairs.items():
        for fold in ("01", "02"):
            (protocol / name / fold).mkdir(parents=True)
            (protocol / name / fold / "same.txt").write_text(same)
            (protocol / name / fold / "diff.txt").write_text(different)
    return boxes


def named(people, protocol):
    return [
        (people.paths[a].stem, people.paths[b].stem, bool(same))
        for (a, b), same in zip(people.pairs[protocol], people.same[protocol], strict=True)
    ]


def test_cfp_has_the_pairs_of_its_protocol(tmp_path):
    write_cfp(tmp_path)
    write_csv(tmp_path / "suspect_profile.csv", ["image", "percent"], [["002_p01.jpg", "25.8"]])
    people = read_cfp(tmp_path, folds=1)
    assert named(people, "frontal–frontal") == [
        ("001_f01", "001_f02", True),
        ("002_f01", "002_f02", True),
        ("001_f01", "002_f01", False),
    ]
    # The pair with the suspect profile is left out.
    assert named(people, "frontal–profile") == [("001_f02", "001_p01", True)]
    assert len(read_cfp(tmp_path, folds=2).pairs["frontal–frontal"]) == 6


def test_the_boxes_of_cfp_are_those_of_all_68_points(tmp_path):
    expected = write_cfp(tmp_path)
    write_csv(tmp_path / "suspect_profile.csv", ["image", "percent"], [])
    people = read_cfp(tmp_path, folds=1)
    for path, box in zip(people.paths, people.boxes, strict=True):
        size = np.ptp(expected[path.name].reshape(2, 2), axis=0).max()
        assert np.abs(box - expected[path.name]).max() < 0.06 * size, path.name


def test_video_frames_have_their_labels_box(tmp_path):
    columns = [f"{axis}{n}" for n in range(68) for axis in "xy"]
    points = mean_face(0.0)
    rows = [
        [f"{n}.jpg", person, *(points + 10 * n).ravel()] for n, person in enumerate(("a", "a", "b"))
    ]
    write_csv(tmp_path / "landmarks.csv", ["image", "subject", *columns], rows)
    people = read_youtube(tmp_path, wanted=5)
    (same, different) = named(people, "video frames")
    assert {*same[:2]} == {"0", "1"} and same[2] and not different[2]
    low, high = points.min(axis=0), points.max(axis=0)
    np.testing.assert_allclose(people.boxes[2], [*(low + 20), *(high + 20)], atol=1e-3)


def test_people_in_folders_are_looked_at_twice(tmp_path):
    for name in ("Ann/1.jpg", "Ann/2.jpg", "Bob/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((100, 200, 3), np.uint8))
    people = read_lfw(tmp_path, wanted=9)
    assert people.looks == 2 and len(people.pairs["ten people"]) == 2
    np.testing.assert_allclose(people.boxes[0], [62, 39, 138, 76])
