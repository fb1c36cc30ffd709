"""The command line, run as a user runs it."""

import json
import sys

import cv2
import keras
import numpy as np
import pytest
from typer.testing import CliRunner

from keras_3dmmstn import build_localiser
from keras_3dmmstn.cli import app
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.normaliser import Normaliser
from tests.training.test_faces import write_300w

BOX = ["--box", "20,20,80,80"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a localiser that always says: the unturned mean face."""
    grid_model = toy_grid_model((24, 24))
    backbone = keras.Sequential([keras.Input((112, 112, 3)), keras.layers.GlobalAveragePooling2D()])
    folder = tmp_path_factory.mktemp("weights")
    Normaliser(build_localiser(backbone, grid_model, 112), grid_model).save(folder)
    return folder


@pytest.fixture
def photograph(tmp_path, rng):
    path = tmp_path / "some one.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (100, 120, 3), np.uint8))
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_face_gives_texture_mask_overlay_and_json(photograph, weights, tmp_path):
    out = tmp_path / "results"
    result = run("normalise", photograph, "--out", out, "--weights", weights, *BOX)
    assert result.exit_code == 0, result.output
    assert names(out) == [
        "some one_0.json",
        "some one_0_mask.png",
        "some one_0_overlay.png",
        "some one_0_texture.png",
    ]
    assert all(name in result.output for name in names(out))

    (face,) = Normaliser.load(weights)(photograph, [[20, 20, 80, 80]])
    texture = cv2.imread(str(out / "some one_0_texture.png"))[..., ::-1]
    np.testing.assert_array_equal(texture, face.texture)
    mask = cv2.imread(str(out / "some one_0_mask.png"), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(mask, face.mask * 255)
    description = json.loads((out / "some one_0.json").read_text())
    assert description["box"] == [20, 20, 80, 80]
    np.testing.assert_allclose(description["landmarks"]["ibug68"], face.landmarks(), rtol=1e-6)
    np.testing.assert_allclose(description["landmarks"]["aflw21"], face.landmarks("aflw21"))
    for name, value in face.parameters.items():
        np.testing.assert_allclose(description["parameters"][name], value, rtol=1e-6)


def test_the_overlay_draws_on_the_face_and_nowhere_else(photograph, weights, tmp_path):
    black = np.zeros((100, 120, 3), np.uint8)
    cv2.imwrite(str(photograph), black)
    run("normalise", photograph, "--out", tmp_path, "--weights", weights, *BOX)
    overlay = cv2.imread(str(tmp_path / "some one_0_overlay.png"))
    zoom = overlay.shape[0] // 100
    assert overlay.shape == (100 * zoom, 120 * zoom, 3)
    drawn = overlay.any(axis=2).reshape(100, zoom, 120, zoom).any(axis=(1, 3))
    (face,) = Normaliser.load(weights)(black, [[20, 20, 80, 80]])
    assert drawn[20:80, 20:80].mean() > 0.5
    low, high = face.points.min(axis=0) - 2, face.points.max(axis=0) + 3
    y, x = np.nonzero(drawn)
    assert (x > low[0]).all() and (x < high[0]).all()
    assert (y > low[1]).all() and (y < high[1]).all()


def test_several_boxes_give_several_faces(photograph, weights, tmp_path):
    out = tmp_path / "results"
    run("normalise", photograph, "--out", out, "--weights", weights, *BOX, "--box", "40,30,90,80")
    assert json.loads((out / "some one_1.json").read_text())["box"] == [40, 30, 90, 80]


def test_a_bad_photograph_is_named_while_the_others_go_on(
    photograph, weights, tmp_path, monkeypatch
):
    from keras_3dmmstn import normaliser

    found = {"broken": None, "faceless": [], "good": [[20, 20, 80, 80]]}
    monkeypatch.setattr(
        normaliser, "find_faces", lambda image: np.array(found[state], float).reshape(-1, 4)
    )
    broken, missing = tmp_path / "broken.jpg", tmp_path / "missing.jpg"
    broken.write_bytes(b"no image")
    state = "good"
    out = tmp_path / "results"
    result = run("normalise", broken, missing, photograph, "--out", out, "--weights", weights)
    assert result.exit_code == 1
    assert "broken.jpg: expected an image" in result.output
    assert "missing.jpg" in result.output
    assert "2 of 3 photographs failed" in result.output
    assert len(names(out)) == 4

    state = "faceless"
    result = run("normalise", photograph, "--out", out, "--weights", weights)
    assert result.exit_code == 1 and "some one.png: no face was found" in result.output


def test_the_detector_finds_no_face_in_noise(photograph, weights, tmp_path):
    pytest.importorskip("mtcnn", reason="the extra `detect` is not installed")
    result = run("normalise", photograph, "--out", tmp_path / "out", "--weights", weights)
    assert result.exit_code == 1 and "no face was found" in result.output


def test_without_the_extra_the_pip_command_is_named(photograph, weights, tmp_path, monkeypatch):
    from keras_3dmmstn import detection

    monkeypatch.setitem(sys.modules, "mtcnn", None)
    detection._detector.cache_clear()
    result = run("normalise", photograph, "--out", tmp_path / "out", "--weights", weights)
    assert result.exit_code == 1
    assert "pip install 'keras-3dmmstn[detect]'" in result.output


def test_photographs_of_one_name_do_not_overwrite_each_other(
    photograph, weights, tmp_path, monkeypatch
):
    from keras_3dmmstn import normaliser

    monkeypatch.setattr(normaliser, "find_faces", lambda image: np.array([[20.0, 20, 80, 80]]))
    other = tmp_path / "other" / photograph.name
    other.parent.mkdir()
    other.write_bytes(photograph.read_bytes())
    out = tmp_path / "results"
    assert run("normalise", photograph, other, "--out", out, "--weights", weights).exit_code == 0
    assert {"some one_0.json", "some one-2_0.json"} < set(names(out))


def test_a_box_outside_the_photograph_is_named(photograph, weights, tmp_path):
    result = run(
        *("normalise", photograph, "--out", tmp_path / "out", "--weights", weights),
        *("--box", "500,500,600,600"),
    )
    assert result.exit_code == 1
    assert "Expected a box in the image of 120 x 100 pixels" in result.output


@pytest.mark.parametrize("box", ["1,2,3", "a,b,c,d", "1 2 3 4"])
def test_a_box_that_is_none_is_named(box, photograph, weights, tmp_path):
    out = tmp_path / "out"
    result = run("normalise", photograph, "--out", out, "--weights", weights, "--box", box)
    assert result.exit_code == 1 and "--box expects x0,y0,x1,y1" in result.output
    assert not out.exists()


def test_a_box_goes_with_one_photograph(photograph, weights, tmp_path):
    result = run("normalise", photograph, photograph, "--out", tmp_path, *BOX)
    assert result.exit_code == 1 and "--box goes with one photograph" in result.output


def test_an_out_that_is_a_file_is_named_and_kept(photograph, weights):
    before = photograph.read_bytes()
    result = run("normalise", photograph, "--out", photograph, "--weights", weights, *BOX)
    assert result.exit_code == 1 and "Expected a folder to write to" in result.output
    assert photograph.read_bytes() == before


def test_missing_weights_are_named(photograph, tmp_path):
    result = run("normalise", photograph, "--out", tmp_path / "o", "--weights", tmp_path, *BOX)
    assert result.exit_code == 1 and "localiser.keras" in result.output


def test_evaluate_prints_the_error_in_percent_of_the_box(weights, tmp_path):
    # The labels of these photographs are the points of the unturned mean face, moved by 3 pixels.
    folder = write_300w(tmp_path / "labelled", 1)
    image = np.zeros((200, 200, 3), np.uint8)
    cv2.imwrite(str(folder / "image_0.jpg"), image)
    (face,) = Normaliser.load(weights)(image, [[50, 50, 150, 150]])
    points = face.landmarks() + 1  # .pts files count from 1
    write_points(folder / "image_0.pts", points)
    assert "0.00 (68 points), 0.00 (51 inner points), 1 faces" in run(
        "evaluate", folder, "--weights", weights
    ).output.replace("\n", "")

    moved = points.copy()
    moved[30] += [3, 4]  # an inner point by 5 pixels; the box stays
    write_points(folder / "image_0.pts", moved)
    low, high = points.min(axis=0), points.max(axis=0)
    percent = 100 * 5 / np.sqrt(np.prod(high - low))
    output = run("evaluate", folder, "--weights", weights).output.replace("\n", "")
    assert f"{percent / 68:.2f} (68 points), {percent / 51:.2f} (51 inner points)" in output


def write_points(path, points):
    lines = "\n".join(f"{x} {y}" for x, y in points)
    path.write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")


def test_evaluate_names_a_folder_without_labels(weights, tmp_path):
    (tmp_path / "empty").mkdir()
    result = run("evaluate", tmp_path / "empty", "--weights", weights)
    assert result.exit_code == 1 and "found none" in result.output


@pytest.mark.slow
def test_train_writes_a_folder_that_the_normaliser_loads_and_goes_on_where_it_was(tmp_path):
    toy_grid_model((24, 24)).save(tmp_path / "face.npz")
    folder = write_300w(tmp_path / "labelled", 4)
    for number in range(4):
        image = np.random.default_rng(number).integers(0, 256, (160, 160, 3), np.uint8)
        cv2.imwrite(str(folder / f"image_{number}.jpg"), image)
    arguments = (
        *("train", folder, "--out", tmp_path / "run", "--face-model", tmp_path / "face.npz"),
        *("--validation", folder, "--batch-size", 2, "--seed", 3),
    )
    result = run(*arguments, "--epochs", 1)
    assert result.exit_code == 0, result.output
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["epochs"] == 1 and config["seed"] == 3 and "tensorflow" in config["versions"]
    assert Normaliser.load(tmp_path / "run").image_size == 224

    assert run(*arguments, "--epochs", 2).exit_code == 0
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["epoch", "0", "1"]
    assert "val_pixels" in log[0]


@pytest.mark.slow
def test_train_names_too_few_photographs(tmp_path):
    toy_grid_model((24, 24)).save(tmp_path / "face.npz")
    folder = write_300w(tmp_path / "labelled", 1)
    result = run("train", folder, "--out", tmp_path / "run", "--face-model", tmp_path / "face.npz")
    assert result.exit_code == 1 and "at least one batch of 64" in result.output


def test_a_name_that_numbering_would_make_is_not_taken_twice(
    photograph, weights, tmp_path, monkeypatch
):
    from keras_3dmmstn import normaliser

    monkeypatch.setattr(normaliser, "find_faces", lambda image: np.array([[20.0, 20, 80, 80]]))
    files = [tmp_path / "a" / "x.png", tmp_path / "b" / "x.png", tmp_path / "c" / "x-2.png"]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(photograph.read_bytes())
    out = tmp_path / "results"
    assert run("normalise", *files, "--out", out, "--weights", weights).exit_code == 0
    written = {name for name in names(out) if name.endswith(".json")}
    assert written == {"x_0.json", "x-3_0.json", "x-2_0.json"}


def test_a_strip_too_thin_to_search_has_no_face(weights, tmp_path):
    pytest.importorskip("mtcnn", reason="the extra `detect` is not installed")
    cv2.imwrite(str(tmp_path / "strip.png"), np.full((2, 5000, 3), 128, np.uint8))
    result = run("normalise", tmp_path / "strip.png", "--out", tmp_path, "--weights", weights)
    assert result.exit_code == 1 and "strip.png: no face was found" in result.output


def test_a_box_far_larger_than_the_photograph_is_named(photograph, weights, tmp_path):
    box = "--box=-1e7,-1e7,1e7,1e7"
    result = run("normalise", photograph, "--out", tmp_path / "o", "--weights", weights, box)
    assert result.exit_code == 1 and "more than 10 times as large" in result.output


@pytest.mark.parametrize("damage", ["empty", "text", "zeroed"])
def test_damaged_weights_are_named(damage, photograph, weights, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "face_model.npz").write_bytes((weights / "face_model.npz").read_bytes())
    content = bytearray((weights / "localiser.keras").read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    content = {"empty": b"", "text": b"no weights", "zeroed": bytes(content)}[damage]
    (folder / "localiser.keras").write_bytes(content)
    result = run("normalise", photograph, "--out", tmp_path / "o", "--weights", folder, *BOX)
    assert result.exit_code == 1
    assert "localiser.keras: expected a localiser that Keras saved" in result.output


def test_evaluate_names_a_face_model_without_the_landmarks(weights, tmp_path):
    import dataclasses

    normaliser = Normaliser.load(weights)
    model = dataclasses.replace(
        normaliser.grid_model, landmarks={"aflw21": normaliser.grid_model.landmarks["aflw21"]}
    )
    Normaliser(normaliser.localiser, model).save(tmp_path / "other")
    folder = write_300w(tmp_path / "labelled", 1)
    result = run("evaluate", folder, "--weights", tmp_path / "other")
    assert result.exit_code == 1 and "landmarks ibug68, received one with aflw21" in result.output
