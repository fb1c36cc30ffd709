"""`keras-3dmmstn normalise --table`."""

import csv
import os
import subprocess
import sys

import pytest

from keras_3dmmstn.cli import written_results
from tests.support.command_line import assert_fails, names, run
from tests.support.photograph_folders import add_photograph, results


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["source"], row["face"], row["problem"]) for row in csv.DictReader(file)]


@pytest.fixture
def tabulate(weights, tmp_path, faces):
    """Runs the command for the table `faces.csv` alone."""
    options = ("--table", tmp_path / "faces.csv", "--weights", weights)
    return lambda *photographs: run("normalise", *photographs, *options)


def test_a_table_goes_with_the_results(normalise, tmp_path):
    photograph = add_photograph(tmp_path / "x.png")
    table = tmp_path / "tables" / "faces.csv"
    result = normalise(photograph, "--table", table)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == str(table)
    assert rows(table) == [(str(photograph), "0", "")]
    assert results(tmp_path / "out") == {"x_0.json": "../x.png"}


def test_without_a_folder_only_the_table_is_written(tabulate, tmp_path, faces, monkeypatch):
    faces(2)
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.png", "in/a/c.png", "x.png"):
        add_photograph(tmp_path / name)
    result = tabulate("in", "x.png", "in/b.png", tmp_path / "x.png")
    assert result.exit_code == 0, result.output
    assert names(tmp_path) == ["faces.csv", "in", "x.png"]
    # What is named again is done once.
    sources = ["in/b.png", "in/a/c.png", str(tmp_path / "x.png")]
    assert [row[:2] for row in rows(tmp_path / "faces.csv")] == [
        (source, number) for source in sources for number in "01"
    ]
    assert "in/a/c.png: 2 faces" in result.output


def test_photographs_without_a_face_and_broken_ones_say_so_in_the_table(tabulate, tmp_path, faces):
    faces(0)
    good = add_photograph(tmp_path / "in" / "a.png")
    broken = tmp_path / "in" / "b.png"
    broken.write_bytes(b"no image")
    missing = tmp_path / "missing.png"
    assert_fails(tabulate(tmp_path / "in", missing), "2 of 3 photographs failed.")
    (first, second, third) = rows(tmp_path / "faces.csv")
    assert first == (str(good), "", "no face was found")
    assert second[:2] == (str(broken), "") and second[2].startswith("expected an image")
    assert third[:2] == (str(missing), "") and "No such file" in third[2]


def test_faces_whose_results_cannot_be_written_are_in_the_table(normalise, tmp_path):
    a, b = (add_photograph(tmp_path / folder / "x.png") for folder in "ab")
    normalise(a)
    result = normalise(b, "--table", tmp_path / "faces.csv")
    assert_fails(result, "1 of 1 photographs failed.")
    ((source, number, problem),) = rows(tmp_path / "faces.csv")
    assert (source, number) == (str(b), "0")
    assert "what is there is that of ../a/x.png" in problem


def test_a_table_of_nothing_we_know_is_refused_before_any_work(normalise, tmp_path):
    photograph = add_photograph(tmp_path / "x.png")
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,x0,y0,x1,y1\nx.png,1,2,3,4\n")
    assert_fails(normalise(photograph, "--table", boxes), "boxes.csv, or nothing", "move it away")
    assert boxes.read_text().startswith("image,x0")
    assert_fails(normalise(photograph, "--table", tmp_path / "x.txt"), ".csv or .parquet")
    assert_fails(normalise(photograph, "--table", photograph), ".csv or .parquet")
    assert not (tmp_path / "out").exists()


def test_a_missing_pyarrow_is_named_before_any_work(normalise, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    table = tmp_path / "faces.parquet"
    result = normalise(add_photograph(tmp_path / "x.png"), "--table", table)
    assert_fails(result, f'{table} needs pyarrow: pip install "keras-3dmmstn[table]"')
    assert names(tmp_path) == ["x.png"]


def test_neither_results_nor_a_table_is_nothing_to_do(tmp_path):
    assert_fails(run("normalise", tmp_path), "Expected --out FOLDER for the results, --table FILE")


def test_options_of_pictures_go_with_a_folder(tabulate, tmp_path):
    assert_fails(tabulate(tmp_path, "--front"), "--front goes with --out.")
    assert_fails(tabulate(tmp_path, "--fill", "mirror"), "--fill goes with --out.")


def test_a_table_that_cannot_be_written_is_named(tabulate, normalise, tmp_path):
    photograph = add_photograph(tmp_path / "x.png")
    inside_a_file = photograph / "faces.csv"
    assert_fails(normalise(photograph, "--table", inside_a_file), str(photograph))


def test_ctrl_c_leaves_no_half_table(tabulate, tmp_path, monkeypatch):
    photographs = [add_photograph(tmp_path / name) for name in ("a.png", "b.png")]
    assert tabulate(*photographs).exit_code == 0
    before = (tmp_path / "faces.csv").read_bytes()
    add, seen = written_results.FaceTable.add, []

    def stopping(table, *row):
        add(table, *row)
        if seen:
            raise KeyboardInterrupt
        seen.append(row)

    monkeypatch.setattr(written_results.FaceTable, "add", stopping)
    assert tabulate(*photographs).exit_code == 130
    assert (tmp_path / "faces.csv").read_bytes() == before
    assert names(tmp_path) == ["a.png", "b.png", "faces.csv"]


@pytest.mark.skipif(os.name == "nt", reason="there, processes are not asked after")
def test_what_a_killed_run_left_of_a_table_is_removed(tabulate, tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".faces.csv.{ended.pid}.tmp").write_text("half")
    assert tabulate(add_photograph(tmp_path / "x.png")).exit_code == 0
    assert names(tmp_path) == ["faces.csv", "x.png"]
