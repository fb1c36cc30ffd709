"""`keras-3dmmstn figure textures`, run as a user runs it."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.drawing import figures
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.command_line import assert_fails, run


def textures(*arguments):
    return run("figure", "textures", *arguments)


def test_textures_of_a_folder_and_of_photographs_stand_in_rows(
    weights, persons, faces_of, tmp_path
):
    out = tmp_path / "textures.png"
    result = textures(
        *(persons / "Ann_Other", persons / "Bob" / "image_0.png", "--out", out),
        *("--boxes", persons / "boxes.csv", "--weights", weights),
        *("--texture-size", 40, "--columns", 2),
    )
    assert result.exit_code == 0, result.output
    faces = faces_of("Ann_Other", texture_size=40) + faces_of("Bob", texture_size=40)
    expected = figures.texture_montage(faces, 40, 2)
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_of_many_photographs_some_are_taken_evenly(weights, persons, faces_of, tmp_path):
    out = tmp_path / "textures.png"
    result = textures(
        *(persons, "--out", out, "--boxes", persons / "boxes.csv", "--weights", weights),
        *("--texture-size", 40, "--count", 2),
    )
    assert result.exit_code == 0, result.output
    faces = faces_of("Ann_Other", texture_size=40)  # the first two of three
    expected = figures.texture_montage(faces, 40, 10)
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_a_photograph_that_fails_is_left_out_and_makes_the_status_1(weights, persons, tmp_path):
    (tmp_path / "broken.jpg").write_text("no photograph")
    boxes = persons / "boxes.csv"
    boxes.write_text(boxes.read_text() + "broken.jpg,40,50,140,150\n")
    out = tmp_path / "textures.png"
    result = textures(
        *(persons, tmp_path / "broken.jpg", "--out", out),
        *("--boxes", boxes, "--weights", weights, "--texture-size", 40),
    )
    assert result.exit_code == 1 and "1 of 4 photographs failed." in result.output
    assert read_photograph(out).shape[:2] == (40, 3 * 40 + 2 * 6)  # with gaps


def test_a_folder_without_photographs_is_named(weights, tmp_path):
    (tmp_path / "nothing").mkdir()
    out = ("--out", tmp_path / "t.png", "--weights", weights)
    result = textures(tmp_path / "nothing", *out)
    assert result.exit_code == 1 and "Expected photographs in" in result.output


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def vanished(folder, pattern):
        raise FileNotFoundError(2, "No such file or directory", str(folder / "gone"))

    monkeypatch.setattr(Path, "rglob", vanished)
    result = textures(tmp_path, "--out", tmp_path / "textures.png")
    assert_fails(result, f"{tmp_path / 'gone'}: No such file or directory.")
