"""`keras-3dmmstn data turn`, run as a user runs it."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.data.faces import read_faces
from tests.support.command_line import assert_fails, run
from tests.support.face_folders import write_csv


@pytest.fixture
def folder(tmp_path):
    """A folder of 300-W with the bundled mean face and a photograph with scattered points."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    face = GridModel.bundled()
    mean = face.mean[face.landmarks["ibug68"], :2] * 0.7 + 100
    scattered = np.random.default_rng(0).uniform(0, 200, (68, 2))
    for name, points in (("face", mean), ("scattered", scattered)):
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((200, 200, 3), 120, np.uint8))
        lines = "\n".join(f"{x + 1:.3f} {y + 1:.3f}" for x, y in points)
        (folder / f"{name}.pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    return folder


def turn(*arguments):
    return run("data", "turn", *arguments)


def test_turned_faces_are_written_and_what_is_skipped_is_named(folder, tmp_path):
    result = turn(folder, "--out", tmp_path / "turned", "--copies", 3, "--size", 96)
    assert result.exit_code == 0
    assert "turned: 3 turned faces, 1 skipped" in result.output
    assert "photographs/scattered.jpg: expected points that the face model fits" in result.output
    faces = read_faces(tmp_path / "turned")
    assert len(faces) == 3 and np.abs(faces.pose[:, 2]).min() > np.radians(19)
    assert cv2.imread(str(faces.paths[0])).shape == (96, 96, 3)


def test_the_seed_decides_the_poses(folder, tmp_path):
    yaws = []
    for number, seed in enumerate((0, 0, 1)):
        out = tmp_path / str(number)
        assert turn(folder, "--out", out, "--seed", seed).exit_code == 0
        yaws.append(read_faces(out).pose[:, 2].tolist())
    assert yaws[0] == yaws[1] != yaws[2]


def test_the_range_of_yaw_may_be_given(folder, tmp_path):
    options = ("--copies", 4, "--size", 64, "--yaws", "60,92")
    result = turn(folder, "--out", tmp_path / "turned", *options)
    assert result.exit_code == 0, result.output
    # The pitch that goes with a turn changes its yaw by few degrees.
    yaws = np.degrees(np.abs(read_faces(tmp_path / "turned").pose[:, 2]))
    assert 57 < yaws.min() < 70 and 82 < yaws.max() < 95


@pytest.mark.parametrize(
    ("yaws", "message"),
    [
        ("60", "--yaws expects from,to in degrees, received 60."),
        ("a,b", "--yaws expects from,to in degrees, received a,b."),
        ("92,60", "within 0° to 100°, received 92° to 60°"),
    ],
)
def test_a_range_of_yaw_that_is_none_is_refused(folder, tmp_path, yaws, message):
    assert_fails(turn(folder, "--out", tmp_path / "turned", "--yaws", yaws), message)


def test_only_some_people_may_be_turned(folder, tmp_path):
    points = read_faces(folder).landmarks[0, :68, :2]
    table = tmp_path / "people" / "landmarks.csv"
    write_csv(table.parent)
    columns = ",".join(f"x{n},y{n}" for n in range(68))
    row = ",".join(f"{value:.3f}" for value in points.ravel())
    rows = [f"one.jpg,{person},{row}" for person in (1, 2, 3)]
    table.write_text("\n".join([f"image,subject,{columns}", *rows]) + "\n")
    out = tmp_path / "turned"
    result = turn(table.parent, "--out", out, "--copies", 1, "--subjects", "2-3")
    assert result.exit_code == 0, result.output
    assert read_faces(out).subjects == ("2", "3")
    failed = turn(folder, "--out", tmp_path / "other", "--subjects", "2-3")
    assert_fails(failed, "face.jpg with subject ''")
    assert not (tmp_path / "other").exists()


def test_another_face_model_may_be_given(folder, tmp_path):
    toy_grid_model((32, 32)).save(tmp_path / "toy.npz")
    arguments = (folder, "--out", tmp_path / "turned", "--face-model", tmp_path / "toy.npz")
    assert turn(*arguments).exit_code == 0
    assert turn(folder, "--out", tmp_path / "bundled").exit_code == 0
    toy, bundled = (read_faces(tmp_path / name).landmarks[0] for name in ("turned", "bundled"))
    assert np.abs(toy - bundled)[:68, :2].max() > 2  # pixels


def test_many_that_are_skipped_are_counted(folder, tmp_path):
    for number in range(25):
        for suffix in (".jpg", ".pts"):
            data = (folder / f"scattered{suffix}").read_bytes()
            (folder / f"more_{number:02d}{suffix}").write_bytes(data)
    result = turn(folder, "--out", tmp_path / "turned")
    assert "and 6 more." in result.output and "26 skipped" in result.output


def test_a_folder_without_photographs_is_named(tmp_path):
    result = turn(tmp_path, "--out", tmp_path / "turned")
    assert result.exit_code == 1 and str(tmp_path) in result.output


def test_a_damaged_face_model_is_named(folder, tmp_path):
    (tmp_path / "face.npz").write_bytes(b"no model")
    result = turn(folder, "--out", tmp_path / "turned", "--face-model", tmp_path / "face.npz")
    assert result.exit_code == 1 and "face.npz" in result.output
