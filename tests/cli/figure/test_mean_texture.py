"""`keras-3dmmstn figure mean-texture`, run as a user runs it."""

import numpy as np
import pytest

from keras_3dmmstn.cli.figure import mean_texture as mean_texture_command
from keras_3dmmstn.inference import central_face
from keras_3dmmstn.inference.fusion import mean_texture as fusion
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.command_line import assert_fails, run


def mean_texture(*arguments):
    return run("figure", "mean-texture", *arguments)


def test_mean_texture_writes_one_for_each_person_and_a_sheet(weights, persons, faces_of, tmp_path):
    out = tmp_path / "means"
    result = mean_texture(
        *(persons, "--out", out, "--weights", weights),
        *("--boxes", persons / "boxes.csv", "--texture-size", 32),
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {
        "Ann_Other.png",
        "Bob.png",
        "mean_textures.jpg",
    }
    faces = faces_of("Ann_Other", texture_size=32)
    np.testing.assert_array_equal(
        read_photograph(out / "Ann_Other.png"), fusion.mean_texture(faces)
    )


@pytest.mark.parametrize(("option", "align"), [("--align", True), ("--no-align", False)])
def test_mean_textures_have_512_pixels_aligned_or_not(
    weights, persons, tmp_path, monkeypatch, option, align
):
    asked = []

    def mean(faces, align):
        asked.append(([face.mask.shape for face in faces], align))
        return faces[0].texture

    monkeypatch.setattr(fusion, "mean_texture", mean)
    out, boxes = tmp_path / "means", persons / "boxes.csv"
    result = mean_texture(persons, "--out", out, "--weights", weights, "--boxes", boxes, option)
    assert result.exit_code == 0, result.output
    assert asked == [([(512, 512)] * 2, align), ([(512, 512)], align)]
    assert read_photograph(out / "Bob.png").shape == (512, 512, 3)


def test_a_person_without_any_face_is_left_out(weights, persons, tmp_path):
    boxes = persons / "boxes.csv"
    boxes.write_text(
        "\n".join(line for line in boxes.read_text().splitlines() if "Bob" not in line)
    )
    out = tmp_path / "means"
    size = ("--texture-size", 32)
    result = mean_texture(persons, "--out", out, "--weights", weights, "--boxes", boxes, *size)
    assert result.exit_code == 1 and "1 of 3 photographs failed." in result.output
    assert "Bob/image_0.png: expected its box" in result.output.replace("\n", "")
    assert {path.name for path in out.iterdir()} == {"Ann_Other.png", "mean_textures.jpg"}

    boxes.write_text("image,x0,y0,x1,y1\n")
    result = mean_texture(persons, "--out", out, "--weights", weights, "--boxes", boxes)
    assert (
        result.exit_code == 1 and "No face was found in any of the photographs in" in result.output
    )


def test_a_photograph_without_a_face_is_no_failure(weights, persons, tmp_path, monkeypatch):
    found = iter([True, True, False])
    normalise = central_face.central_face_of_file

    def some(*arguments):
        if next(found):
            return normalise(*arguments)
        raise central_face.NoFaceError("no face was found.")

    monkeypatch.setattr(central_face, "central_face_of_file", some)
    out = ("--out", tmp_path / "means", "--weights", weights, "--texture-size", 32)
    result = mean_texture(persons, *out, "--boxes", persons / "boxes.csv")
    assert result.exit_code == 0, result.output
    output = result.output.replace("\n", "")
    assert "image_0.png: no face was found. Give its box with --boxes." in output
    assert "No face was found in 1 of 3 photographs." in output


def test_a_photograph_that_cannot_be_read_makes_the_status_1(weights, persons, tmp_path):
    out = ("--out", tmp_path / "means", "--weights", weights)
    (persons / "Bob" / "broken.jpg").write_text("no photograph")
    boxes = persons / "boxes.csv"
    boxes.write_text(boxes.read_text() + "Bob/broken.jpg,40,50,140,150\n")
    result = mean_texture(persons, *out, "--boxes", boxes, "--texture-size", 32)
    assert result.exit_code == 1 and "1 of 4 photographs failed." in result.output
    assert (tmp_path / "means" / "mean_textures.jpg").exists()


def test_a_folder_without_persons_is_named(weights, tmp_path):
    result = mean_texture(tmp_path, "--out", tmp_path / "out", "--weights", weights)
    assert result.exit_code == 1 and "Expected folders of photographs" in result.output


def test_a_folder_of_a_person_that_cannot_be_read_is_named(persons, tmp_path, monkeypatch):
    def vanished(folder):
        raise FileNotFoundError(2, "No such file or directory", str(folder))

    monkeypatch.setattr(mean_texture_command.Path, "iterdir", vanished)
    result = mean_texture(persons, "--out", tmp_path / "means")
    assert_fails(result, f"{persons / 'Ann_Other'}: No such file or directory.")
