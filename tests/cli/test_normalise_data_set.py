"""`normalise --engine`: whole data sets, into shards."""

import json

import pytest

from keras_3dmmstn.cli import data_set_options, terminal
from keras_3dmmstn.folder_lock import folder_in_use
from tests.support.command_line import assert_fails, names, run
from tests.support.data_sets import write_photographs, write_table


@pytest.fixture
def photographs(tmp_path):
    return write_photographs(tmp_path / "in", 3)


@pytest.fixture
def normalise_set(weights, tmp_path, faces):
    """Runs the command into the folder `out`, in this process."""
    options = ("--out", tmp_path / "out", "--weights", weights, "--engine", "here")
    more = ("--format", "tfrecord", "--shard-size", 2)
    return lambda *arguments: run("normalise", *arguments, *options, *more)


def test_a_folder_becomes_shards(photographs, normalise_set, tmp_path):
    (photographs / "1.jpg").write_bytes(b"words")
    result = normalise_set(photographs)
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'out'}: 3 photographs, 2 faces, 1 failed\n"
    assert result.stderr == f"failures.csv in {tmp_path / 'out'} says which, and why.\n"
    assert names(tmp_path / "out/faces") == ["000000.tfrecord", "000001.tfrecord"]
    assert normalise_set(photographs).stdout == result.stdout


def test_photographs_without_a_face_are_counted(photographs, normalise_set, faces):
    faces(0)
    assert "3 photographs, 0 faces, 3 without a face" in normalise_set(photographs).stdout


def test_a_table_has_the_boxes(photographs, normalise_set, tmp_path):
    table = write_table(photographs / "t.csv", [("0.jpg", 88, 87, 181, 179), ("1.jpg", *[""] * 4)])
    assert "2 photographs, 2 faces" in normalise_set(table).stdout


def test_pictures_that_the_command_wrote_are_left_out(photographs, normalise_set, weights, faces):
    run("normalise", photographs, "--out", photographs, "--weights", weights)
    assert len(names(photographs)) > 3
    assert "3 photographs, 3 faces" in normalise_set(photographs).stdout


def test_options_of_the_normaliser_are_passed_on(photographs, normalise_set, tmp_path):
    options = ("--texture-size", 64, "--fill", "mirror", "--visibility", "normals")
    assert normalise_set(photographs, *options, "--textures", "raw").exit_code == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["texture_shape"] == [64, 64, 3]
    chosen = {name: manifest["settings"][name] for name in ("fill", "visibility", "textures")}
    assert chosen == {"fill": "mirror", "visibility": "normals", "textures": "raw"}
    assert_fails(normalise_set(photographs), "out: expected fill 'mirror', with which")


def test_a_folder_in_use_is_refused(photographs, normalise_set, tmp_path):
    with folder_in_use(tmp_path / "out"):
        assert_fails(normalise_set(photographs), "expected a folder that nobody else is writing to")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--workers", 2), "--workers goes with --engine."),
        (("--format", "parquet"), "--format goes with --engine."),
        (("--ray-address", "auto"), "--ray-address goes with --engine."),
        (("--engine", "here", "--workers", 2), "--workers goes with --engine ray."),
        (("--engine", "here", "--front"), "--front does not go with --engine"),
        (("--engine", "here", "--box", "1,2,3,4"), "--box does not go with --engine"),
        (("--engine", "here", "--table", "a.csv"), "--table does not go with --engine"),
        (("--engine", "here"), "--engine goes with --out."),
        (("--engine", "spark", "--out", "o"), "Expected the engine ray or here, received 'spark'."),
        (("more", "--engine", "here", "--out", "o"), "--engine expects one folder, table or URL"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    arguments, message, photographs, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert_fails(run("normalise", photographs, *arguments), message)
    assert names(tmp_path) == ["in"]


def test_a_url_is_still_one_when_the_command_line_has_made_a_path_of_it(tmp_path, monkeypatch):
    from pathlib import Path

    where = data_set_options._where
    url = "s3://bucket/a?endpoint_override=host:1&scheme=http"
    assert where(Path(url)) == url
    assert where(tmp_path) == tmp_path and where(Path("a:b/c")) == Path("a:b/c")
    monkeypatch.chdir(tmp_path)
    Path("s3:/bucket").mkdir(parents=True)  # a folder of that name is one
    assert where(Path("s3:/bucket")) == Path("s3:/bucket")


def test_a_run_that_is_stopped_says_how_it_goes_on(photographs, normalise_set, monkeypatch):
    def stop():
        raise KeyboardInterrupt

    monkeypatch.setattr(data_set_options, "raise_if_stopped", stop)
    result = normalise_set(photographs)
    assert result.exit_code == 130 and "Repeat the command to go on" in result.stderr
    monkeypatch.undo()


def test_without_a_terminal_there_is_a_line_a_minute(photographs, normalise_set, monkeypatch):
    monkeypatch.setattr(data_set_options, "_LINE_SECONDS", -1)
    (photographs / "0.jpg").write_bytes(b"words")
    assert not terminal.errors.is_terminal
    told = normalise_set(photographs).stderr.splitlines()
    assert told[:3] == ["0/2 shards", "1/2 shards, 1 failed", "2/2 shards, 1 failed"]
