"""`keras-3dmmstn figure ...`, run as a user runs it."""

import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from keras_3dmmstn.cli.app import app
from keras_3dmmstn.drawing import figures
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.faces_with_labels import normaliser_that_says, write_photographs


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    normaliser_that_says((0, 2, 0.2)).save(folder)
    return folder


@pytest.fixture
def persons(tmp_path):
    """Folders with two photographs of Ann Other and one of Bob, and a file of their boxes."""
    folder = tmp_path / "persons"
    paths = write_photographs(folder / "Ann_Other", 2) + write_photographs(folder / "Bob", 1)
    (folder / "Ann_Other" / "notes.txt").write_text("no photograph")
    (folder / "empty").mkdir()
    rows = [
        f"{path.parent.name}/{path.name},{40 + 9 * n},50,140,150" for n, path in enumerate(paths)
    ]
    boxes = folder / "boxes.csv"
    boxes.write_text("image,x0,y0,x1,y1\n" + "\n".join(rows) + "\n")
    return folder


def run(*arguments):
    return CliRunner().invoke(app, ["figure", *map(str, arguments)])


def faces_of(weights, persons, name):
    normaliser = Normaliser.load(weights)
    boxes = {"Ann_Other": (40, 49), "Bob": (58,)}[name]
    return [
        normaliser(persons / name / f"image_{n}.png", [[x, 50, 140, 150]])[0]
        for n, x in enumerate(boxes)
    ]


def test_uv_draws_a_given_face_model(weights, tmp_path):
    out = tmp_path / "new" / "uv.png"
    result = run("uv", "--out", out, "--face-model", weights / "face_model.npz")
    assert result.exit_code == 0 and str(out) in result.output.replace("\n", "")
    expected = figures.uv_figure(Normaliser.load(weights).grid_model)
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_uv_draws_the_bundled_face(tmp_path):
    assert run("uv", "--out", tmp_path / "uv.jpg").exit_code == 0
    assert read_photograph(tmp_path / "uv.jpg").shape[1] == 3 * 400 + 12


def test_uv_names_a_face_model_that_is_none(tmp_path):
    (tmp_path / "model.npz").write_bytes(b"none")
    result = run("uv", "--out", tmp_path / "uv.png", "--face-model", tmp_path / "model.npz")
    assert result.exit_code == 1 and "model.npz" in result.output


def test_pipeline_draws_the_face_in_its_box(weights, persons, tmp_path):
    out = tmp_path / "pipeline.png"
    photograph = persons / "Bob" / "image_0.png"
    result = run(
        "pipeline", photograph, "--out", out, "--boxes", persons / "boxes.csv", "--weights", weights
    )
    assert result.exit_code == 0, result.output
    (face,) = faces_of(weights, persons, "Bob")
    model = Normaliser.load(weights).grid_model
    expected = figures.pipeline_figure(read_photograph(photograph), face, model)
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_person_draws_each_photograph_and_leaves_out_those_without_a_box(
    weights, persons, tmp_path
):
    out = tmp_path / "person.png"
    stranger = tmp_path / "stranger.png"
    cv2.imwrite(str(stranger), np.zeros((100, 100, 3), np.uint8))
    photographs = [persons / "Ann_Other" / f"image_{n}.png" for n in range(2)]
    result = run(
        *("person", photographs[0], stranger, photographs[1], "--out", out),
        *("--boxes", persons / "boxes.csv", "--weights", weights),
    )
    assert result.exit_code == 0, result.output
    assert "stranger.png: expected its box" in result.output.replace("\n", "")
    expected = figures.person_figure(
        [read_photograph(path) for path in photographs], faces_of(weights, persons, "Ann_Other")
    )
    np.testing.assert_array_equal(read_photograph(out), expected)


def test_mean_texture_writes_one_for_each_person_and_a_sheet(weights, persons, tmp_path):
    out = tmp_path / "means"
    result = run(
        *("mean-texture", persons, "--out", out, "--weights", weights),
        *("--boxes", persons / "boxes.csv"),
    )
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {
        "Ann_Other.png",
        "Bob.png",
        "mean_textures.jpg",
    }
    faces = faces_of(weights, persons, "Ann_Other")
    np.testing.assert_array_equal(
        read_photograph(out / "Ann_Other.png"), figures.mean_texture(faces)
    )


def test_a_person_without_any_face_is_left_out(weights, persons, tmp_path):
    boxes = persons / "boxes.csv"
    boxes.write_text(
        "\n".join(line for line in boxes.read_text().splitlines() if "Bob" not in line)
    )
    out = tmp_path / "means"
    result = run("mean-texture", persons, "--out", out, "--weights", weights, "--boxes", boxes)
    assert result.exit_code == 0, result.output
    assert "Bob/image_0.png: expected its box" in result.output.replace("\n", "")
    assert {path.name for path in out.iterdir()} == {"Ann_Other.png", "mean_textures.jpg"}

    boxes.write_text("image,x0,y0,x1,y1\n")
    result = run("mean-texture", persons, "--out", out, "--weights", weights, "--boxes", boxes)
    assert result.exit_code == 1 and "Expected a photograph with a face in" in result.output


def test_a_folder_without_persons_is_named(weights, tmp_path):
    result = run("mean-texture", tmp_path, "--out", tmp_path / "out", "--weights", weights)
    assert result.exit_code == 1 and "Expected folders of photographs" in result.output


def test_photographs_without_any_face_end_the_command(weights, persons, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    result = run("pipeline", broken, "--out", tmp_path / "p.png", "--weights", weights)
    assert result.exit_code == 1
    assert "broken.png: expected an image" in result.output.replace("\n", "")
    assert "received 1 without" in result.output


def test_a_picture_of_an_unknown_kind_is_refused(tmp_path):
    result = run("uv", "--out", tmp_path / "uv.gif")
    assert result.exit_code == 1 and "--out expects a name that ends in .png" in result.output


def test_a_picture_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("a file, not a folder")
    result = run("uv", "--out", tmp_path / "file" / "uv.png")
    assert result.exit_code == 1 and "file" in result.output
    assert not isinstance(result.exception, OSError)


def test_a_file_of_boxes_that_is_missing_or_malformed_is_named(weights, persons, tmp_path):
    photograph = persons / "Bob" / "image_0.png"
    options = ("pipeline", photograph, "--out", tmp_path / "p.png", "--weights", weights, "--boxes")
    result = run(*options, tmp_path / "missing.csv")
    assert result.exit_code == 1 and "missing.csv" in result.output
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    result = run(*options, tmp_path / "odd.csv")
    assert result.exit_code == 1 and "odd.csv: expected columns" in result.output.replace("\n", "")


def test_missing_weights_are_named(persons, tmp_path):
    photograph = persons / "Bob" / "image_0.png"
    result = run("pipeline", photograph, "--out", tmp_path / "p.png", "--weights", tmp_path)
    assert result.exit_code == 1 and "localiser.keras" in result.output


def test_without_the_detector_and_boxes_the_pip_command_is_named(
    weights, persons, tmp_path, monkeypatch
):
    from keras_3dmmstn.inference import detection

    monkeypatch.setitem(sys.modules, "mtcnn", None)
    detection._detector.cache_clear()
    photograph = persons / "Bob" / "image_0.png"
    result = run("pipeline", photograph, "--out", tmp_path / "p.png", "--weights", weights)
    assert result.exit_code == 1 and "pip install 'keras-3dmmstn[detect]'" in result.output
