"""Whose a result is: sources, and which files of a folder are results."""

import json
import os

import pytest

from keras_3dmmstn.drawing.results.files import (
    ResultFiles,
    remove_unfinished_results,
    source_in,
    source_of,
    without_results,
)
from tests.support.command_line import names


def test_a_source_is_the_way_from_the_results_to_the_photograph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    photograph, out = tmp_path / "in" / "x.png", tmp_path / "out" / "a"
    assert source_in(out, photograph) == "../../in/x.png"
    relative = photograph.relative_to(tmp_path), out.relative_to(tmp_path)
    assert source_in(relative[1], relative[0]) == "../../in/x.png"
    monkeypatch.chdir(tmp_path / "in")
    assert source_in(out, type(out)("x.png")) == "../../in/x.png"
    assert source_in(tmp_path / "in", photograph) == "x.png"


def test_links_among_the_folders_are_followed(tmp_path):
    (tmp_path / "deep" / "in").mkdir(parents=True)
    try:
        (tmp_path / "in").symlink_to(tmp_path / "deep" / "in")
    except OSError:
        pytest.skip("no links here")
    assert source_in(tmp_path / "out", tmp_path / "in" / "x.png") == "../deep/in/x.png"
    (tmp_path / "in" / "y.png").symlink_to(tmp_path / "x.png")
    assert source_in(tmp_path / "out", tmp_path / "in" / "y.png") == "../deep/in/y.png"


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ('{"source": "../x.png"}', "../x.png"),
        (json.dumps({"source": os.fsdecode(b"\xff.png")}), os.fsdecode(b"\xff.png")),
        ("{}", ""),
        ('{"source": 3}', ""),
        ("[1]", ""),
        ("half", ""),
        ("[" * 100_000, ""),
    ],
)
def test_the_source_that_a_file_names(content, source, tmp_path):
    (tmp_path / "x_0.json").write_text(content)
    assert source_of(tmp_path / "x_0.json") == source
    assert source_of(tmp_path / "missing.json") is None
    assert source_of(tmp_path) == ""


@pytest.mark.parametrize(
    "foreign", ["x_0_mask.png", "x_1_texture.png", "x_overlay.jpg", "x_0.glb", "x_1.mtl"]
)
def test_files_without_a_json_are_not_taken_for_ones_own(foreign, tmp_path):
    (tmp_path / foreign).write_text("mine")
    files = ResultFiles(tmp_path, "x", "../x.png")
    with pytest.raises(FileExistsError, match=f"{foreign}, or nothing"):
        files.check(2)
    files.check(0)
    files.remove_stale(0, ())
    assert names(tmp_path) == [foreign]


def test_each_face_is_asked_whose_it_is(tmp_path):
    for number, source in enumerate(["../x.png", "../other.png"]):
        (tmp_path / f"x_{number}.json").write_text(json.dumps({"source": source}))
    files = ResultFiles(tmp_path, "x", "../x.png")
    files.check(1)
    with pytest.raises(FileExistsError, match=r"is that of \.\./other\.png"):
        files.check(2)
    files.remove_stale(0, ())
    assert names(tmp_path) == ["x_1.json"]


def test_no_file_is_ever_there_without_its_json(tmp_path, monkeypatch):
    own = ["x_overlay.jpg"]
    ends = ("_mask.png", "_texture.png", ".obj", ".mtl", ".npz")
    own += [f"x_{number}{end}" for number in range(3) for end in ends]
    for name in own:
        (tmp_path / name).write_text("")
    for number in range(3):
        (tmp_path / f"x_{number}.json").write_text('{"source": "../x.png"}')
    unlink = type(tmp_path).unlink

    def watched(path, missing_ok=False):
        unlink(path, missing_ok=missing_ok)
        there = names(tmp_path)
        numbers = {name.removeprefix("x_")[0] for name in there if name != "x_overlay.jpg"}
        assert {f"x_{number}.json" for number in numbers} <= set(there)
        assert numbers == set(map(str, range(len(numbers))))
        assert "x_overlay.jpg" not in there

    monkeypatch.setattr(type(tmp_path), "unlink", watched)
    ResultFiles(tmp_path, "x", "../x.png").remove_stale(0, ())
    assert names(tmp_path) == []


def test_pictures_beside_their_json_are_results():
    results = ["x_0_texture.png", "x_0_mask.png", "x_0_front.png", "x_0_overlay.png"]
    others = ["x_0.json", "x.png", "x_1_mask.png", "y_overlay.jpg", "x_texture.png", "x_0_hat.png"]
    given = [*results, *others, "x_overlay.jpg"]
    assert list(without_results(given)) == others


@pytest.mark.skipif(os.name == "nt", reason="there, processes are not asked after")
def test_unfinished_results_of_the_dead_are_removed(tmp_path):
    dead = 2**30  # more than a process number can be
    targets = ["x_0.json", "x_12_texture.png", "x_0_mask.png", "x_0_front.png", "x_overlay.jpg"]
    targets += [
        f"x_{number}.{kind}" for number, kind in enumerate(("glb", "obj", "mtl", "ply", "npz"))
    ]
    others = [
        ".notes.txt",
        f".notes.txt.{dead}.tmp",
        f".x.obj.{dead}.tmp",
        f".x_0.json.{os.getpid()}.tmp",
    ]
    for name in [*(f".{target}.{dead}.tmp" for target in [*targets, "1234567"]), *others]:
        (tmp_path / name).write_text("")
    remove_unfinished_results(tmp_path)
    assert names(tmp_path) == sorted(others)
