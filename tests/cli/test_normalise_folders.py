"""`keras-3dmmstn normalise` on many photographs: folders, names, and what earlier runs left."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_3dmmstn.cli import photograph_files, terminal
from tests.support.command_line import assert_fails, found_by_detector, names, run
from tests.support.faces_with_labels import normaliser_that_says


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with a localiser that always says: the unturned mean face."""
    folder = tmp_path_factory.mktemp("weights")
    normaliser_that_says().save(folder)
    return folder


@pytest.fixture
def faces(monkeypatch):
    """The detector finds a face in all photographs; returns a function to say how many."""
    found_by_detector(monkeypatch, 1)
    return lambda count: found_by_detector(monkeypatch, count)


@pytest.fixture
def normalise(weights, tmp_path, faces):
    """Runs the command into the folder `out`, without overlays."""
    options = ("--out", tmp_path / "out", "--weights", weights, "--no-overlay")
    return lambda *photographs: run("normalise", *photographs, *options)


def add_photograph(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return path


def results(folder):
    """The JSON files below a folder and the photographs that they name."""
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text())["source"]
        for path in sorted(folder.rglob("*.json"))
    }


def test_a_folder_keeps_its_structure(normalise, tmp_path):
    photographs = tmp_path / "photographs"
    for name in ("x.png", "a/x.JPG", "a/b/y.jpeg"):
        add_photograph(photographs / name)
    for name in (".x.png", ".hidden/x.png", "a/notes.txt", "a/x.json"):
        add_photograph(photographs / name)
    result = normalise(photographs)
    assert result.exit_code == 0, result.output
    assert results(tmp_path / "out") == {
        "x_0.json": "../photographs/x.png",
        "a/x_0.json": "../../photographs/a/x.JPG",
        "a/b/y_0.json": "../../../photographs/a/b/y.jpeg",
    }
    out = tmp_path / "out"
    lines = [f"{out / name}: 1 face" for name in ("x", "a/x", "a/b/y")]
    assert result.output.splitlines() == lines


def test_pictures_that_the_command_wrote_are_no_photographs(normalise, weights, tmp_path):
    photographs = tmp_path / "photographs"
    add_photograph(photographs / "x.png")
    options = ("--out", photographs, "--weights", weights, "--front", "--front-size", 32)
    for _ in range(2):
        assert run("normalise", photographs, *options).output == f"{photographs / 'x'}: 1 face\n"
    add_photograph(photographs / "x_1_texture.png")  # no result: without a JSON
    normalise(photographs)
    assert sorted(results(tmp_path / "out")) == ["x_0.json", "x_1_texture_0.json"]


def test_faceless_photographs_of_a_folder_are_counted_apart(normalise, faces, tmp_path):
    faces(0)
    photographs = [add_photograph(tmp_path / "in" / name) for name in ("a.png", "b.png")]
    result = normalise(tmp_path / "in")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        *(f"{photograph}: no face was found." for photograph in photographs),
        "No face was found in 2 of 2 photographs.",
    ]
    photographs[0].write_bytes(b"no image")
    result = normalise(tmp_path / "in")
    assert_fails(result, "a.png: expected an image", "No face was found in 1 of 2 photographs.")
    assert "1 of 2 photographs failed." in result.output


def test_a_folder_without_photographs_is_named(normalise, tmp_path):
    (tmp_path / "in").mkdir()
    assert_fails(normalise(tmp_path / "in"), "in: expected photographs (.avif, .bmp,", "found none")


def test_a_folder_that_cannot_be_read_is_named_while_the_others_go_on(
    normalise, tmp_path, monkeypatch
):
    add_photograph(tmp_path / "in" / "x.png")
    (tmp_path / "in" / "locked").mkdir()
    scandir = os.scandir

    def locked(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(photograph_files.os, "scandir", locked)
    assert_fails(normalise(tmp_path / "in"), "locked: Permission denied.")
    assert list(results(tmp_path / "out")) == ["x_0.json"]


def test_a_box_goes_with_no_folder(weights, tmp_path):
    options = ("--out", tmp_path / "out", "--weights", weights, "--box", "20,20,80,80")
    assert_fails(run("normalise", tmp_path, *options), "one photograph, received the folder")


def test_photographs_of_one_name_are_numbered_and_keep_their_numbers(normalise, tmp_path):
    a, b, c = (add_photograph(tmp_path / folder / "x.png") for folder in "abc")
    assert normalise(a, b).exit_code == 0
    first = {"x_0.json": "../a/x.png", "x-2_0.json": "../b/x.png"}
    assert results(tmp_path / "out") == first
    assert normalise(c, b, a).exit_code == 0
    assert results(tmp_path / "out") == {**first, "x-3_0.json": "../c/x.png"}
    assert normalise(b).exit_code == 0
    assert results(tmp_path / "out") == {**first, "x-3_0.json": "../c/x.png"}


def test_a_photograph_that_is_given_twice_is_normalised_once(normalise, tmp_path, monkeypatch):
    photograph = add_photograph(tmp_path / "x.png")
    monkeypatch.chdir(tmp_path)
    result = normalise(photograph, "x.png")
    assert result.exit_code == 0 and result.output.count("x_0.json") == 1
    assert results(tmp_path / "out") == {"x_0.json": "../x.png"}


def test_a_name_of_another_photograph_is_refused_while_the_others_go_on(normalise, tmp_path):
    a, b = (add_photograph(tmp_path / folder / "x.png") for folder in "ab")
    other = add_photograph(tmp_path / "b" / "y.png")
    normalise(a)
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    result = normalise(b, other)
    assert_fails(result, f"{b}: expected", f"{tmp_path / 'out' / 'x_0.json'}", "of ../a/x.png")
    assert "1 of 2 photographs failed." in result.output
    assert {path: path.read_bytes() for path in before} == before
    assert results(tmp_path / "out") == {"x_0.json": "../a/x.png", "y_0.json": "../b/y.png"}


def test_a_second_run_replaces_what_the_first_left(normalise, faces, tmp_path, monkeypatch):
    photograph = add_photograph(tmp_path / "x.png")
    others = [add_photograph(tmp_path / name) for name in ("x_1.png", "x_overlay.png")]
    faces(3)
    assert normalise(photograph, *others).exit_code == 0
    kept = [name for name in names(tmp_path / "out") if name.startswith(("x_1_", "x_overlay_"))]
    kept = [name for name in kept if name not in ("x_1_texture.png", "x_1_mask.png")]
    assert len(kept) == 2 * 3 * 3
    faces(1)
    monkeypatch.chdir(tmp_path)
    assert normalise("x.png").exit_code == 0
    one = ["x_0.json", "x_0_mask.png", "x_0_texture.png"]
    assert names(tmp_path / "out") == sorted([*one, *kept])
    faces(0)
    assert_fails(normalise(photograph), "no face was found")
    assert names(tmp_path / "out") == sorted(kept)


def test_results_of_a_former_version_are_refused(normalise, tmp_path):
    photograph = add_photograph(tmp_path / "x.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x_0.json").write_text('{"box": [1, 2, 3, 4]}')
    assert_fails(normalise(photograph), "x_0.json", "does not say of which photograph it is")
    assert names(tmp_path / "out") == ["x_0.json"]


@pytest.mark.skipif(os.name == "nt", reason="there, no file has such a name")
@pytest.mark.parametrize("name", ["line\nbreak.png", "bell\a.png", b"\xff.png", ":cat: [b].png"])
def test_any_name_is_printed(name, normalise, tmp_path):
    photograph = add_photograph(tmp_path / "in" / os.fsdecode(name))
    shown = {"line\nbreak.png": "line\\nbreak", "bell\a.png": "bell\\x07"}
    stem = shown.get(name, "\\udcff" if isinstance(name, bytes) else ":cat: [b]")
    assert normalise(tmp_path / "in").output == f"{tmp_path / 'out' / stem}: 1 face\n"
    result = normalise(photograph)
    assert result.exit_code == 0 and len(result.output.splitlines()) == 3
    photograph.write_bytes(b"no image")
    assert_fails(normalise(photograph), f"{stem}.png: expected an image")


def test_a_line_that_cannot_be_printed_is_no_failure(normalise, tmp_path, monkeypatch):
    def full(text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(terminal, "say", full)
    result = normalise(add_photograph(tmp_path / "x.png"))
    assert result.exit_code == 0
    assert "Results are no longer named: No space left on device." in result.output
    assert list(results(tmp_path / "out")) == ["x_0.json"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_below_the_output_ends_nothing(tmp_path):
    code = "from keras_3dmmstn.cli import terminal\nfor n in '12': terminal.say_if_possible(n)"
    with Path("/dev/full").open("w") as full:
        result = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE)
    assert result.returncode == 0
    assert result.stderr.count(b"Results are no longer named") == 1


def test_a_closed_pipe_ends_the_command(monkeypatch):
    def closed(text):
        raise BrokenPipeError

    monkeypatch.setattr(terminal, "say", closed)
    with pytest.raises(BrokenPipeError):
        terminal.say_if_possible("x")


@pytest.mark.skipif(os.name == "nt", reason="there, processes are not asked after")
def test_what_a_killed_run_left_is_removed(normalise, tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    out = tmp_path / "out"
    out.mkdir()
    (out / f".x_0_texture.png.{ended.pid}.tmp").write_text("half")
    (out / f".mine.{ended.pid}.tmp").write_text("of another program")
    normalise(add_photograph(tmp_path / "y.png"))
    hidden = [name for name in names(out) if name.startswith(".")]
    assert hidden == [f".mine.{ended.pid}.tmp"]


def test_a_folder_that_was_moved_with_its_results_keeps_them(normalise, tmp_path, weights):
    add_photograph(tmp_path / "there" / "in" / "x.png")
    options = ("--weights", weights, "--no-overlay")
    run("normalise", tmp_path / "there/in", "--out", tmp_path / "there/out", *options)
    shutil.move(tmp_path / "there", tmp_path / "here")
    result = run("normalise", tmp_path / "here/in", "--out", tmp_path / "here/out", *options)
    assert result.exit_code == 0, result.output


def test_a_name_too_long_for_results_is_named_while_the_others_go_on(normalise, tmp_path):
    for name in ("n" * 248 + ".png", "x.png"):
        add_photograph(tmp_path / "in" / name)
    result = normalise(tmp_path / "in", tmp_path / ("m" * 300 + ".png"))
    assert_fails(result, "nnnn_0_texture.png: File name too long.", "mmmm.png: File name too long.")
    assert "2 of 3 photographs failed." in result.output
    assert list(results(tmp_path / "out")) == ["x_0.json"]


def test_a_file_where_a_folder_of_results_belongs_is_named(normalise, tmp_path):
    for name in ("a/x.png", "b/x.png"):
        add_photograph(tmp_path / "in" / name)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("mine")
    result = normalise(tmp_path / "in")
    assert_fails(result, f"{tmp_path / 'out' / 'a'}: expected a folder, but a file is there.")
    assert list(results(tmp_path / "out")) == ["b/x_0.json"]
