"""The command line for labelled photographs, run as a user runs it."""

import cv2
import pytest
from typer.testing import CliRunner

from keras_3dmmstn.cli.app import app
from keras_3dmmstn.training.data.shards import read_shards
from tests.support.face_folders import (
    aflw_points,
    write_300w,
    write_aflw,
    write_mtfl,
    write_photograph,
)


def run(*arguments):
    return CliRunner().invoke(app, ["data", *map(str, arguments)])


def assert_fails(result, *texts):
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    for text in texts:
        assert text in result.output


@pytest.fixture
def aflw(tmp_path):
    faces = {
        1: {"file": "0/a.jpg", "points": aflw_points(yaw=0.2), "pose": (0, 0, 0.2)},
        2: {"file": "0/a.jpg", "points": aflw_points(hidden=(2, 12), yaw=-0.5)},
        3: {"file": "1/b.jpg", "points": aflw_points()},
    }
    return write_aflw(tmp_path / "aflw", faces)


def test_convert_writes_shards_and_names_what_is_left_out(aflw, tmp_path):
    (aflw / "flickr/1/b.jpg").unlink()
    mtfl = write_mtfl(tmp_path / "mtfl")
    result = run("convert", aflw, mtfl, "--out", tmp_path / "out", "--size", 96, "--format", "png")
    assert result.exit_code == 0, result.output
    assert "3 faces in 1 shards, 1 left out" in result.output
    assert "left out: 1/b.jpg, face 3: " in result.output and "No such file" in result.output
    shards = read_shards(tmp_path / "out")
    assert len(shards) == 3 and shards.size == 96
    assert {name.split("/")[-1]: count for name, count in shards.sources.items()} == {
        "aflw": 3, "mtfl": 1,
    }  # fmt: skip


def test_convert_names_a_few_of_many(tmp_path):
    rows = [f"{n}.jpg,10,20,30,21,22,33,12,41,29,42" for n in range(31)]
    folder = write_mtfl(tmp_path / "mtfl", rows)
    for number in range(30):
        (folder / "images" / f"{number}.jpg").unlink()
    result = run("convert", folder, "--out", tmp_path / "out")
    assert result.exit_code == 0 and result.output.count("left out:") == 20
    assert "and 10 more, which index.json names" in result.output


def test_convert_refuses_what_it_cannot_do(aflw, tmp_path):
    assert_fails(run("convert", tmp_path / "x", "--out", tmp_path / "out"), "Expected a folder")
    run("convert", aflw, "--out", tmp_path / "out")
    again = run("convert", aflw, "--out", tmp_path / "out", "--size", 96)
    assert_fails(again, "size 192 and not 96")
    assert_fails(run("convert", aflw, "--out", tmp_path / "o", "--format", "gif"), "'gif'")
    (tmp_path / "file").touch()
    assert_fails(run("convert", aflw, "--out", tmp_path / "file"), "file")


def test_inspect_prints_what_is_in_folders(aflw, tmp_path):
    result = run("inspect", aflw, write_300w(tmp_path / "helen"))
    assert result.exit_code == 0, result.output
    lines = [line.split("│")[2:7] for line in result.output.splitlines() if "│" in line]
    cells = [[cell.strip() for cell in line] for line in lines]
    assert ["3", "2", "0", "19 to 21", "1"] in cells
    assert ["2", "2", "0", "68 to 68", "0"] in cells


def test_inspect_draws_the_faces(aflw, tmp_path):
    result = run("inspect", aflw, "--picture", tmp_path / "sheet.png")
    assert result.exit_code == 0 and "sheet.png" in result.output
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (192, 3 * 192, 3)


def test_inspect_knows_shards(aflw, tmp_path):
    run("convert", aflw, "--out", tmp_path / "out")
    pictures = "--picture", tmp_path / "sheet.png", "--count", 2
    result = run("inspect", tmp_path / "out", aflw, *pictures)
    assert result.exit_code == 0 and "0 left out" in result.output
    for name in ("sheet-1.png", "sheet-2.png"):
        assert cv2.imread(str(tmp_path / name)).shape == (192, 2 * 192, 3)


def test_inspect_refuses_what_it_cannot_do(aflw, tmp_path):
    assert_fails(run("inspect", tmp_path), "landmarks.csv", "aflw.sqlite", ".pts")
    nowhere = tmp_path / "nowhere" / "sheet.png"
    assert_fails(run("inspect", aflw, "--picture", nowhere), "picture file", "nowhere")
    assert_fails(run("inspect", aflw, "--picture", tmp_path / "a.xyz"), "sheet.jpg", "a.xyz")


def test_names_of_folders_are_printed_as_they_are(tmp_path):
    folder = write_300w(tmp_path / "a [red] é")
    assert "[red] é" in run("inspect", folder).output.replace("\n", " ")


def test_a_photograph_of_another_size_than_the_database_says_is_no_matter(aflw, tmp_path):
    write_photograph(aflw / "flickr/1/b.jpg", size=(400, 500))
    assert "3 faces" in run("convert", aflw, "--out", tmp_path / "out").output


def test_what_convert_leaves_out_is_what_evaluate_measures(tmp_path):
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.labelled_faces import left_out

    rows = [f"{n}.jpg,10,20,30,21,22,33,12,41,29,42" for n in range(12)]
    folder = write_mtfl(tmp_path / "mtfl", rows)
    out = left_out(read_faces(folder), 3)
    assert 0 < out.sum() < 12
    result = run("convert", folder, "--out", tmp_path / "out", "--leave-out", 3)
    assert result.exit_code == 0, result.output
    assert f"{12 - out.sum()} faces in" in result.output
