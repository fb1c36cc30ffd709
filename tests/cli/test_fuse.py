"""`keras-3dmmstn fuse`: one face of several photographs."""

import json

import cv2
import numpy as np
import pytest

from keras_3dmmstn.cli import fuse
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.command_line import assert_fails, names, run
from tests.support.portraits import portrait

WRITTEN = ["front.png", "mask.png", "mesh.glb", "person.json", "texture.png"]


@pytest.fixture(scope="module")
def bundled():
    return Normaliser.pretrained()


@pytest.fixture(autouse=True)
def loaded_once(bundled, monkeypatch):
    monkeypatch.setattr(fuse, "load_normaliser", lambda *_: bundled)


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    folder.mkdir()
    for name, image in (("a", portrait()), ("b", portrait()[:, ::-1])):
        cv2.imwrite(str(folder / f"{name}.png"), image[..., ::-1])
    return folder


def test_photographs_become_one_face(photographs, tmp_path):
    out = tmp_path / "person"
    result = run("fuse", photographs / "a.png", photographs / "b.png", "--out", out)
    assert result.exit_code == 0, result.output
    assert names(out) == WRITTEN
    assert all(str(out / name) in result.output for name in WRITTEN)
    description = json.loads((out / "person.json").read_text())
    shares = description["photographs"]
    assert list(shares) == ["../photographs/a.png", "../photographs/b.png"]
    np.testing.assert_allclose(sum(shares.values()), 1, atol=1e-3)
    assert len(description["identity"]) == 40
    assert 0.5 < description["seen_share"] <= 1
    assert cv2.imread(str(out / "texture.png")).shape == (512, 512, 3)


def test_folders_are_taken_and_a_former_result_is_replaced(photographs, tmp_path):
    out = tmp_path / "person"
    assert run("fuse", photographs, "--out", out, "--texture-size", 64).exit_code == 0
    first = (out / "texture.png").read_bytes()
    (photographs / "b.png").unlink()
    assert run("fuse", photographs, "--out", out, "--texture-size", 64).exit_code == 0
    assert list(json.loads((out / "person.json").read_text())["photographs"].values()) == [1]
    assert (out / "texture.png").read_bytes() != first


def test_results_are_no_photographs(photographs, tmp_path):
    arguments = "fuse", photographs, "--out", photographs, "--texture-size", 64
    assert run(*arguments).exit_code == 0
    first = (photographs / "person.json").read_text()
    assert run(*arguments).exit_code == 0
    assert (photographs / "person.json").read_text() == first


def test_a_photograph_by_two_paths_counts_once(photographs, tmp_path):
    other = photographs / ".." / photographs.name
    out = tmp_path / "person"
    assert run("fuse", photographs, other, "--out", out, "--texture-size", 64).exit_code == 0
    shares = json.loads((out / "person.json").read_text())["photographs"]
    np.testing.assert_allclose([len(shares), sum(shares.values())], [2, 1], atol=1e-3)


def test_hidden_places_are_filled_on_request(photographs, tmp_path):
    arguments = "fuse", photographs / "a.png", "--texture-size", 64
    for fill in ([], ["--fill", "mirror"]):
        assert run(*arguments, "--out", tmp_path / f"out{len(fill)}", *fill).exit_code == 0
    plain, filled = (cv2.imread(str(tmp_path / f"out{n}" / "texture.png")) for n in (0, 2))
    mask = cv2.imread(str(tmp_path / "out2" / "mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    np.testing.assert_array_equal(plain[mask], filled[mask])
    assert (filled.sum(axis=2) > 0).mean() >= (plain.sum(axis=2) > 0).mean()


def test_photographs_without_a_face_are_named(photographs, tmp_path):
    cv2.imwrite(str(photographs / "grey.png"), np.full((100, 100, 3), 128, np.uint8))
    (photographs / "c.png").write_text("no picture")
    out = tmp_path / "person"
    result = run("fuse", photographs, "--out", out, "--texture-size", 64)
    assert_fails(result, "grey.png: no face was found", "c.png", "1 of 4 photographs failed.")
    assert names(out) == WRITTEN


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--fill", "left"], "Expected `fill`"),
        (["--texture-size", "8"], "Expected a texture size from 32 to 2048"),
    ],
)
def test_wrong_options_are_named(options, text, photographs, tmp_path):
    assert_fails(run("fuse", photographs, "--out", tmp_path / "out", *options), text)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["texture.png", "person.json", "mesh.glb"])
def test_files_of_someone_else_are_refused(name, photographs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text("{}")
    assert_fails(run("fuse", photographs, "--out", out), name, "move it away")
    assert names(out) == [name]


def test_without_a_face_nothing_is_written(tmp_path):
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((100, 100, 3), 128, np.uint8))
    assert_fails(run("fuse", tmp_path / "grey.png", "--out", tmp_path / "out"), "No face was found")
    assert not (tmp_path / "out").exists()
