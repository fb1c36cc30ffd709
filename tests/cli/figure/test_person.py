"""`keras-3dmmstn figure person`, run as a user runs it."""

import cv2
import numpy as np

from keras_3dmmstn.drawing import figures
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.command_line import run


def person(*arguments):
    return run("figure", "person", *arguments)


def test_person_draws_each_photograph_and_leaves_out_those_without_a_box(
    weights, persons, faces_of, tmp_path
):
    out = tmp_path / "person.png"
    stranger = tmp_path / "stranger.png"
    cv2.imwrite(str(stranger), np.zeros((100, 100, 3), np.uint8))
    photographs = [persons / "Ann_Other" / f"image_{n}.png" for n in range(2)]
    result = person(
        *(photographs[0], stranger, photographs[1], "--out", out),
        *("--boxes", persons / "boxes.csv", "--weights", weights),
    )
    assert result.exit_code == 1 and "1 of 3 photographs failed." in result.output
    assert "stranger.png: expected its box" in result.output.replace("\n", "")
    expected = figures.person_figure(
        [read_photograph(path) for path in photographs], faces_of("Ann_Other")
    )
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_photographs_without_any_face_are_counted(weights, tmp_path):
    broken = [tmp_path / f"{number}.png" for number in range(2)]
    for path in broken:
        path.write_bytes(b"no image")
    result = person(*broken, "--out", tmp_path / "person.png", "--weights", weights)
    assert result.exit_code == 1
    assert "No face was found in any of the 2 photographs." in result.output
