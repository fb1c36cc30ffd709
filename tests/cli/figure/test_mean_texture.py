"""`keras-3dmmstn figure mean-texture`, run as a user runs it."""

import numpy as np

from keras_3dmmstn.drawing import figures
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.command_line import run


def mean_texture(*arguments):
    return run("figure", "mean-texture", *arguments)


def test_mean_texture_writes_one_for_each_person_and_a_sheet(weights, persons, faces_of, tmp_path):
    out = tmp_path / "means"
    result = mean_texture(
        *(persons, "--out", out, "--weights", weights),
        *("--boxes", persons / "boxes.csv"),
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {
        "Ann_Other.png",
        "Bob.png",
        "mean_textures.jpg",
    }
    faces = faces_of("Ann_Other")
    np.testing.assert_array_equal(
        read_photograph(out / "Ann_Other.png"), figures.mean_texture(faces)
    )


def test_a_person_without_any_face_is_left_out(weights, persons, tmp_path):
    boxes = persons / "boxes.csv"
    boxes.write_text(
        "\n".join(line for line in boxes.read_text().splitlines() if "Bob" not in line)
    )
    out = tmp_path / "means"
    result = mean_texture(persons, "--out", out, "--weights", weights, "--boxes", boxes)
    assert result.exit_code == 0, result.output
    assert "Bob/image_0.png: expected its box" in result.output.replace("\n", "")
    assert {path.name for path in out.iterdir()} == {"Ann_Other.png", "mean_textures.jpg"}

    boxes.write_text("image,x0,y0,x1,y1\n")
    result = mean_texture(persons, "--out", out, "--weights", weights, "--boxes", boxes)
    assert (
        result.exit_code == 1 and "No face was found in any of the photographs in" in result.output
    )


def test_a_folder_without_persons_is_named(weights, tmp_path):
    result = mean_texture(tmp_path, "--out", tmp_path / "out", "--weights", weights)
    assert result.exit_code == 1 and "Expected folders of photographs" in result.output
