"""`keras-3dmmstn figure uv`, run as a user runs it."""

import numpy as np

from keras_3dmmstn.drawing import figures
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.command_line import run


def uv(*arguments):
    return run("figure", "uv", *arguments)


def test_uv_draws_a_given_face_model(weights, tmp_path):
    out = tmp_path / "new" / "uv.png"
    result = uv("--out", out, "--face-model", weights / "face_model.npz")
    assert result.exit_code == 0 and str(out) in result.output.replace("\n", "")
    expected = figures.uv_figure(Normaliser.load(weights).grid_model)
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_uv_draws_the_bundled_face(tmp_path):
    assert uv("--out", tmp_path / "uv.jpg").exit_code == 0
    assert read_photograph(tmp_path / "uv.jpg").shape[1] == 3 * 400 + 12


def test_uv_names_a_face_model_that_is_none(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"none")
    result = uv("--out", tmp_path / "uv.png", "--face-model", tmp_path / "model.npz")
    assert result.exit_code == 1 and "model.npz" in result.output


def test_a_picture_of_an_unknown_kind_is_refused(tmp_path):
    result = uv("--out", tmp_path / "uv.gif")
    assert result.exit_code == 1 and "--out expects a name that ends in .png" in result.output


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("a file, not a folder")
    result = uv("--out", tmp_path / "file" / "uv.png")
    assert result.exit_code == 1 and "file" in result.output
    assert not isinstance(result.exception, OSError)
