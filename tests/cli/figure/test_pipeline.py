"""`keras-3dmmstn figure pipeline`, run as a user runs it."""

import numpy as np

from keras_3dmmstn.drawing import figures
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.command_line import run


def pipeline(*arguments):
    return run("figure", "pipeline", *arguments)


def test_pipeline_draws_the_face_in_its_box(weights, persons, faces_of, tmp_path):
    out = tmp_path / "pipeline.png"
    photograph = persons / "Bob" / "image_0.png"
    result = pipeline(
        photograph, "--out", out, "--boxes", persons / "boxes.csv", "--weights", weights
    )
    assert result.exit_code == 0, result.output
    (face,) = faces_of("Bob")
    model = Normaliser.load(weights).grid_model
    expected = figures.pipeline_figure(read_photograph(photograph), face, model)
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_photographs_without_any_face_end_the_command(weights, persons, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    result = pipeline(broken, "--out", tmp_path / "p.png", "--weights", weights)
    assert result.exit_code == 1
    assert "broken.png: expected an image" in result.output.replace("\n", "")
    assert "No face was found in the photograph." in result.output


def test_a_file_of_boxes_that_is_missing_or_malformed_is_named(weights, persons, tmp_path):
    photograph = persons / "Bob" / "image_0.png"
    options = (photograph, "--out", tmp_path / "p.png", "--weights", weights, "--boxes")
    result = pipeline(*options, tmp_path / "missing.csv")
    assert result.exit_code == 1 and "missing.csv" in result.output
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    result = pipeline(*options, tmp_path / "odd.csv")
    assert result.exit_code == 1 and "odd.csv: expected columns" in result.output.replace("\n", "")


def test_missing_weights_are_named(persons, tmp_path):
    photograph = persons / "Bob" / "image_0.png"
    result = pipeline(photograph, "--out", tmp_path / "p.png", "--weights", tmp_path)
    assert result.exit_code == 1 and "localiser.keras" in result.output


def test_the_name_of_the_picture_is_looked_at_before_the_photograph(tmp_path):
    result = run("figure", "pipeline", tmp_path / "absent.jpg", "--out", tmp_path / "a.gif")
    assert result.exit_code == 1 and "--out expects a name that ends in .png" in result.output
