"""Names for results: no two the same, and each photograph's own from run to run."""

import json
import time
from pathlib import Path

import pytest

from keras_3dmmstn.drawing.results.names import result_files


def names_of(folder, *photographs):
    return [files.name for files in result_files([(Path(path), folder) for path in photographs])]


def write_result(folder, name, source):
    (folder / f"{name}_0.json").write_text(json.dumps({"source": source}))


@pytest.mark.parametrize(
    ("photographs", "names"),
    [
        (["a/x.png", "b/y.png"], ["x", "y"]),
        (["x.jpg", "x.png", "b/x.png"], ["x", "x-2", "x-3"]),
        (["a/x.png", "b/x.png", "c/x-2.png"], ["x", "x-3", "x-2"]),
        (["c/x-2.png", "a/x.png", "b/x.png", "d/x-2.png"], ["x-2", "x", "x-3", "x-2-2"]),
        (["a/x.png", "a/x.png"], ["x", "x"]),
        (["a/x.y.png"], ["x.y"]),
    ],
)
def test_equal_stems_are_numbered(photographs, names, tmp_path):
    assert names_of(tmp_path, *photographs) == names


def test_equal_stems_in_two_folders_need_no_numbers(tmp_path):
    pairs = [(Path("a/x.png"), tmp_path / "a"), (Path("b/x.png"), tmp_path / "b")]
    assert [files.name for files in result_files(pairs)] == ["x", "x"]


def test_a_photograph_keeps_the_name_of_its_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_result(tmp_path, "x", "a/x.png")
    write_result(tmp_path, "x-3", "b/x.png")
    assert names_of(tmp_path, "c/x.png", "b/x.png", "a/x.png") == ["x-2", "x-3", "x"]
    write_result(tmp_path, "x-2", "c/x.png")
    assert names_of(tmp_path, "b/x.png") == ["x-3"]
    assert names_of(tmp_path, "d/x.png", "b/x.png", "a/x.png") == ["x-4", "x-3", "x"]


def test_a_stem_that_is_taken_is_not_numbered_for_one_photograph(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_result(tmp_path, "x", "a/x.png")
    write_result(tmp_path, "x-2", "b/x.png")
    assert names_of(tmp_path, "c/x.png") == ["x"], "to be refused when it is written"
    assert names_of(tmp_path, "c/x.png", "d/x.png") == ["x", "x-3"]


@pytest.mark.parametrize("folders", [1, 20_000])
def test_names_for_many_photographs_take_no_time(folders, tmp_path):
    pairs = [(Path(f"{number % folders}/x{number // 2}.png"), tmp_path) for number in range(20_000)]
    began = time.process_time()
    files = result_files(pairs)
    assert time.process_time() - began < 10  # once minutes
    assert len({file.name for file in files}) == (10_000 if folders == 1 else 20_000)
