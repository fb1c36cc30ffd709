"""Names of results, and what `keras-3dmmstn normalise` does with those of earlier runs."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support.command_line import assert_fails, names, run
from tests.support.photograph_folders import add_photograph, results


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
