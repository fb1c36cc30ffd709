"""Readers of labelled photographs."""

from pathlib import Path

import numpy as np
import pytest

from keras_3dmmstn.training.data.faces import (
    LabelledFaces,
    joint_landmarks,
    read_300w,
    read_faces,
    read_landmark_csv,
)
from keras_3dmmstn.training.data.labelled_faces import held_out
from tests.support.face_folders import write_300w, write_aflw, write_csv, write_mtfl


def joint(count=1):
    return np.zeros((count, 89, 3), np.float32)


def test_300w_counts_pixels_from_one(tmp_path):
    faces = read_300w(write_300w(tmp_path / "helen"))
    assert [path.name for path in faces.paths] == ["image_0.jpg", "image_1.jpg"]
    assert faces.landmarks.shape == (2, 89, 3)
    np.testing.assert_array_equal(faces.landmarks[1, 3], [3.5, 5.25, 1.0])
    assert (faces.landmarks[:, 68:] == 0).all()


def test_300w_is_read_from_folders_below_and_named_by_its_place(tmp_path):
    write_300w(tmp_path / "helen" / "trainset", 1)
    faces = read_300w(tmp_path / "helen")
    assert faces.names[0].endswith("helen/trainset/image_0.jpg") and len(faces) == 1


def test_a_label_file_without_photograph_is_read(tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "image_0.jpg").unlink()
    assert read_300w(tmp_path).paths == (tmp_path / "image_0.jpg",)


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".JPEG"])
def test_300w_takes_the_photograph_that_is_there(tmp_path, suffix):
    write_300w(tmp_path, 1)
    photograph = (tmp_path / "image_0.jpg").rename(tmp_path / f"image_0{suffix}")
    assert read_300w(tmp_path).paths == (photograph,)


def test_csv_counts_pixels_from_zero(tmp_path):
    faces = read_landmark_csv(write_csv(tmp_path / "videos"))
    assert faces.paths == (tmp_path / "videos" / "images" / "one.jpg",)
    np.testing.assert_array_equal(faces.landmarks[0, 3], [6, 7, 1])
    np.testing.assert_array_equal(faces.landmarks[0, 67], [134, 7.5, 1])
    assert faces.subjects == ("someone",) and (faces.landmarks[0, 68:] == 0).all()
    assert np.isnan(faces.pose).all() and np.isnan(faces.rectangles).all()


def test_csv_of_21_points_fills_the_second_part(tmp_path):
    landmarks = read_landmark_csv(write_csv(tmp_path / "a", count=21)).landmarks[0]
    np.testing.assert_array_equal(landmarks[68 + 3], [6, 7, 1])
    assert (landmarks[:68] == 0).all()


def test_csv_of_89_points_may_have_confidences_and_pose(tmp_path):
    more = [(f"c{n}", "0.5" if n == 3 else "0" if n == 4 else "1") for n in range(89)]
    more += [("roll", "0.1"), ("pitch", "-0.2"), ("yaw", "1.25")]
    faces = read_landmark_csv(write_csv(tmp_path / "turned", count=89, more=more))
    np.testing.assert_array_equal(faces.landmarks[0, 3], [6, 7, 0.5])
    np.testing.assert_array_equal(faces.landmarks[0, 4], [0, 0, 0])
    np.testing.assert_allclose(faces.pose[0], [0.1, -0.2, 1.25], atol=1e-7)


def test_five_points_take_their_places_among_the_21(tmp_path):
    rows = ("a.jpg,10,20,30,21,22,33,12,41,29,42", "b.jpg,10,20,,21,22,33,12,41,29,42")
    landmarks = read_faces(write_mtfl(tmp_path, rows)).landmarks
    expected = {75: (10, 20), 78: (30, 21), 82: (22, 33), 85: (12, 41), 87: (29, 42)}
    for place, point in expected.items():
        np.testing.assert_array_equal(landmarks[0, place], [*point, 1])
    assert (landmarks[0, :, 2] > 0).sum() == 5
    assert landmarks[1, 78, 2] == 0 and (landmarks[1, :, 2] > 0).sum() == 4


def test_folders_of_all_formats_are_joined(tmp_path):
    aflw = write_aflw(tmp_path / "aflw", {7: {"file": "0/a.jpg", "points": {1: (2, 3)}}})
    faces = read_faces(
        [write_300w(tmp_path / "helen"), write_csv(tmp_path / "videos"), aflw, str(aflw)]
    )
    assert len(faces) == 5 and faces.paths[2].name == "one.jpg"
    assert [source.split("/")[-1] for source in faces.sources] == [
        "helen", "helen", "videos", "aflw", "aflw",
    ]  # fmt: skip
    assert faces.landmarks[3, 68].tolist() == [1, 2, 1] and faces.subjects[2] == "someone"


def test_no_folder_is_refused():
    with pytest.raises(ValueError, match="at least one folder"):
        read_faces([])


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(
        ValueError, match=r"of labelled photographs.*nowhere, and there is nothing of"
    ):
        read_faces(tmp_path / "nowhere")


def test_a_folder_without_labels_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"expected landmarks\.csv .* aflw\.sqlite .* \.pts"):
        read_faces([tmp_path])
    with pytest.raises(ValueError, match=r"\.pts files of 300-W in .*found none"):
        read_300w(tmp_path)


@pytest.mark.parametrize(
    ("points", "message"),
    [("1 2\n3 4", "68 points, received 2"), ("1 2\n1_0 4", "pairs of numbers"), ("1 2 3", "pairs")],
)
def test_a_malformed_label_file_is_named(points, message, tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "image_0.pts").write_text(f"version: 1\nn_points: 68\n{{\n{points}\n}}\n")
    with pytest.raises(ValueError, match=rf"image_0\.pts.*{message}"):
        read_300w(tmp_path)


@pytest.mark.parametrize("value", ["far", "1_0", "inf"])
def test_a_csv_with_a_bad_number_is_named_with_line_and_column(value, tmp_path):
    message = rf"landmarks\.csv, line 2: .* column y67, received '{value}'"
    with pytest.raises(ValueError, match=message):
        read_landmark_csv(write_csv(tmp_path / "videos", value))


def test_a_csv_with_a_column_twice_is_named(tmp_path):
    path = write_csv(tmp_path / "videos") / "landmarks.csv"
    header, row = path.read_text().splitlines()
    path.write_text(f"{header},x0\n{row},5\n")
    with pytest.raises(ValueError, match=r"landmarks\.csv: expected one column x0, received sev"):
        read_landmark_csv(path.parent)


@pytest.mark.parametrize("name", ["note", "x68", "kind"])
def test_a_column_that_is_not_read_may_come_twice(tmp_path, name):
    path = write_csv(tmp_path / "videos") / "landmarks.csv"
    header, row = path.read_text().splitlines()
    expected = read_landmark_csv(path.parent)
    path.write_text(f"{header},{name},{name}\n{row},5,6\n")
    faces = read_faces(path.parent)
    np.testing.assert_array_equal(faces.landmarks, expected.landmarks)


@pytest.mark.parametrize("value", ["", " ", "nan"])
def test_coordinates_that_are_not_known_have_no_confidence(tmp_path, value):
    faces = read_landmark_csv(write_csv(tmp_path / "videos", value))
    np.testing.assert_array_equal(faces.landmarks[0, 67], 0)
    assert (faces.landmarks[0, :67, 2] == 1).all()


def test_a_csv_without_rows_image_or_points_is_named(tmp_path):
    path = write_csv(tmp_path / "videos") / "landmarks.csv"
    header, row = path.read_text().splitlines()
    for text, message in (
        (header, "expected at least one row"),
        (header.replace("image", "file") + "\n" + row, "expected a column image, received file"),
        ("image,x0,y0\na,1,2", "of 68, 21 or 89 points, .* of five, received image, x0, y0"),
        ("", "received no header"),
    ):
        path.write_text(text + "\n")
        with pytest.raises(ValueError, match=rf"landmarks\.csv: .*{message}"):
            read_landmark_csv(path.parent)


def test_a_csv_that_excel_wrote_is_read(tmp_path):
    path = write_csv(tmp_path / "Gesichter mit ü") / "landmarks.csv"
    path.write_text(path.read_text(), "utf-8-sig")
    assert read_landmark_csv(path.parent).subjects == ("someone",)


def test_a_csv_that_is_none_is_named(tmp_path):
    path = write_csv(tmp_path / "videos") / "landmarks.csv"
    text = path.read_text()
    for content, message in (
        (text.replace("someone", "Jörg").encode("latin1"), "CSV table in UTF-8: .*codec"),
        (text.replace("someone", "x" * 200_000).encode(), "CSV table in UTF-8: field larger"),
        (text.replace("one.jpg,", ",").encode(), "line 2: expected the name of an image"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"landmarks\.csv.*{message}"):
            read_landmark_csv(path.parent)


def test_a_row_that_was_cut_off_is_named_and_the_others_are_read(tmp_path):
    path = write_csv(tmp_path / "videos") / "landmarks.csv"
    header, row = path.read_text().splitlines()
    cells = row.split(",")
    cut = {3: cells[:6], 5: cells[:-1], 6: cells[:1], 7: [*cells, "1"]}
    lines = [header, row, *(",".join(cut.get(line, cells)) for line in range(3, 8))]
    path.write_text("\n".join(lines) + "\n")
    faces = read_faces(path.parent)
    assert [name.split(", ")[-1] for name in faces.names] == ["line 2", "line 4"]
    assert (faces.landmarks[:, :68, 2] == 1).all()
    assert [str(skipped).split("videos/")[-1] for skipped in faces.skipped] == [
        f"landmarks.csv, line {line}: expected 138 cells, received {len(cells)}"
        for line, cells in cut.items()
    ]

    path.write_text("\n".join([header, ",".join(cells[:6])]) + "\n")
    with pytest.raises(
        ValueError, match=r"none of the 1 could be used.*line 2: expected 138 cells"
    ):
        read_landmark_csv(path.parent)


def test_commas_after_the_last_cell_do_not_cut_a_row_off(tmp_path):
    path = write_csv(tmp_path / "videos") / "landmarks.csv"
    header, row = path.read_text().splitlines()
    path.write_text(f"{header}\n{row},, \n\n")
    faces = read_landmark_csv(path.parent)
    assert len(faces) == 1 and faces.skipped == ()


def test_what_macos_leaves_beside_label_files_is_passed_over(tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "._image_0.pts").write_bytes(b"\x00\x05\x16\x07\xff")
    assert len(read_300w(tmp_path)) == 1


def test_a_binary_label_file_is_named(tmp_path):
    write_300w(tmp_path, 1)
    (tmp_path / "image_0.pts").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"image_0\.pts"):
        read_300w(tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"landmarks": np.zeros((1, 68, 3))}, r"shape \(1, 89, 3\), received shape \(1, 68, 3\)"),
        ({"pose": np.zeros((2, 3))}, r"pose of shape \(1, 3\), received shape \(2, 3\)"),
        ({"rectangles": np.zeros((1, 3))}, r"rectangles of shape \(1, 4\), received shape"),
        ({"subjects": ("a", "b")}, "1 subjects, received 2"),
    ],
)
def test_faces_that_do_not_fit_together_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        LabelledFaces(**{"paths": (Path("a.jpg"),), "landmarks": joint(), **given})


@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_point_that_is_not_finite_is_not_labelled(column):
    landmarks = np.ones((1, 89, 3))
    landmarks[0, 4, column] = np.nan
    faces = LabelledFaces((Path("a.jpg"),), landmarks)
    np.testing.assert_array_equal(faces.landmarks[0, 4], 0)
    assert (np.delete(faces.landmarks[0], 4, axis=0) == 1).all()


def test_several_faces_of_a_photograph_have_names_of_their_own():
    faces = LabelledFaces((Path("a.jpg"), Path("b.jpg"), Path("a.jpg")), joint(3))
    assert faces.names == ("a.jpg", "b.jpg", "a.jpg#2")


def test_chosen_faces_keep_what_is_known_of_them():
    landmarks = joint(3)
    landmarks[:, 0, 0] = [1, 2, 3]
    paths = tuple(Path(f"{n}.jpg") for n in range(3))
    faces = LabelledFaces(paths, landmarks, np.eye(3), ("x", "y", "z"))
    for chosen in (faces.choose([2, 0]), faces.choose([False, True, True]) + faces.choose([0])):
        assert len(chosen.paths) == len(chosen) == len(chosen.pose)
    assert faces.choose([2, 0]).subjects == ("z", "x")
    assert faces.choose([False, True, True]).landmarks[:, 0, 0].tolist() == [2, 3]
    assert faces.choose([1]).pose.tolist() == [[0, 1, 0]]
    assert len(faces.choose([])) == len(faces.choose([False] * 3)) == 0


def test_landmarks_of_an_unknown_set_or_number_are_refused():
    with pytest.raises(ValueError, match="'five points', received 'ibug51'"):
        joint_landmarks(np.zeros((1, 51, 2)), "ibug51")
    with pytest.raises(ValueError, match=r"\(faces, 68, 2 or 3\), received shape \(1, 51, 2\)"):
        joint_landmarks(np.zeros((1, 51, 2)), "ibug68")


def test_what_is_held_out_depends_on_the_person_or_else_the_photograph_alone():
    paths = tuple(Path(f"{number}.jpg") for number in range(400))
    faces = LabelledFaces(paths, np.zeros((400, 89, 3)))
    out = held_out(faces, 5)
    assert 50 < out.sum() < 110  # 80 expected, standard deviation 8
    shuffled = np.random.default_rng(0).permutation(400)
    np.testing.assert_array_equal(held_out(faces.choose(shuffled), 5), out[shuffled])
    moved = LabelledFaces(tuple(Path("elsewhere") / path for path in paths), faces.landmarks)
    np.testing.assert_array_equal(held_out(moved, 5), out)

    people = tuple(f"person {number % 40}" for number in range(400))
    by_person = held_out(LabelledFaces(paths, faces.landmarks, subjects=people), 5)
    assert all(len(set(by_person[person::40])) == 1 for person in range(40))
    assert 0 < by_person.sum() < 400


def test_holding_all_faces_out_is_refused():
    with pytest.raises(ValueError, match="one face in 2 or more to be held out, received 1"):
        held_out(LabelledFaces((), np.zeros((0, 89, 3))), 1)
