"""`keras-3dmmstn data inspect`, run as a user runs it."""

import json
import re

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.training.data.shards import FEATURES, read_shards, serialised
from tests.support.command_line import assert_fails, run
from tests.support.face_folders import write_300w, write_cfp


def inspect(*arguments):
    return run("data", "inspect", *arguments)


def rows_of(result):
    """Returns the cells of the table beside the folders."""
    cells = [re.split(r" {2,}", line.strip())[-5:] for line in result.output.splitlines()]
    return [row for row in cells if len(row) == 5 and row[0] != "faces"]


def test_inspect_prints_what_is_in_folders(aflw, tmp_path):
    result = inspect(aflw, write_300w(tmp_path / "helen"))
    assert result.exit_code == 0, result.output
    cells = rows_of(result)
    assert ["3", "2", "0", "19 to 21", "1"] in cells
    assert ["2", "2", "0", "68 to 68", "0"] in cells


def test_inspect_knows_the_profiles_of_cfp(tmp_path):
    rows = [
        (f"{n}.jpg", n, kind, 1, [[n, n]] * 30) for n, kind in enumerate(("frontal", "profile"))
    ]
    result = inspect(write_cfp(tmp_path, rows))
    assert result.exit_code == 0, result.output
    (cells,) = rows_of(result)
    assert cells == ["1", "1", "1", "30 to 30", "0"]


def test_inspect_draws_the_faces(aflw, tmp_path):
    result = inspect(aflw, "--picture", tmp_path / "sheet.png")
    assert result.exit_code == 0 and "sheet.png" in result.output
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (192, 3 * 192, 3)


def test_inspect_knows_shards(aflw, tmp_path):
    run("data", "convert", aflw, "--out", tmp_path / "out")
    pictures = "--picture", tmp_path / "sheet.png", "--count", 2
    result = inspect(tmp_path / "out", aflw, *pictures)
    assert result.exit_code == 0, result.output
    assert rows_of(result) == [
        ["3", "crops", "0", "19 to 21", "1"],
        ["3", "2", "0", "19 to 21", "1"],
    ]
    for name in ("sheet-1.png", "sheet-2.png"):
        assert cv2.imread(str(tmp_path / name)).shape == (192, 2 * 192, 3)


@pytest.fixture
def shards(aflw, tmp_path):
    run("data", "convert", aflw, "--out", tmp_path / "out", "--size", 192)
    return read_shards(tmp_path / "out")


@pytest.mark.parametrize(
    ("changed", "received"),
    [
        (lambda crop: {"image": b"no picture at all"}, "no picture"),
        (lambda crop: {"image": crop["image"][:-300]}, "no picture"),
        (lambda crop: {"image": crop["image"][:-300] + b"\xff\xd9"}, "a picture that is cut off"),
        (lambda crop: {"image": small_picture()}, r"one of shape \(20, 20, 3\)"),
        (lambda crop: {"landmarks": crop["landmarks"] * np.nan}, "landmarks that are not finite"),
        (
            lambda crop: {"landmarks": crop["landmarks"] * 1e30},
            r"landmarks as far away as \S+ pixels",
        ),
        (lambda crop: {"number": 3}, "the number 3 of 3 faces"),
    ],
    ids=["no picture", "just stops", "cut off", "another size", "nan", "far away", "number"],
)
def test_inspect_names_records_of_shards_that_are_no_crops(shards, changed, received):
    name = change_records(shards, {1: changed})
    result = inspect(shards.files[0].parent)
    assert_fails(result, f"{shards.files[0]}: expected 3 face crops of 192 pixels, received")
    assert re.search(rf"received {received} in record 1 \({name}\): delete the file", flat(result))


def test_inspect_names_all_of_them(shards):
    change_records(shards, {0: lambda crop: {"image": b""}, 2: lambda crop: {"image": b""}})
    result = inspect(shards.files[0].parent)
    assert_fails(result, "received no picture in record 0", "received no picture in record 2")
    assert f"{shards.files[0].parent}: 2 faults." in flat(result)


def test_inspect_names_numbers_that_come_twice(shards):
    number = records_of(shards)[0]["number"]
    change_records(shards, {2: lambda crop: {"number": number}})
    told = f"received the number {number}, which record 0 of {shards.files[0].name} has, too, in"
    assert_fails(inspect(shards.files[0].parent), told + " record 2")


def flat(result):
    return result.output.replace("\n", " ")


def small_picture():
    return cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes()


def records_of(shards):
    """The values of the records of the first shard, by name."""
    parsed = (tf.io.parse_single_example(record, FEATURES) for record in shards.records())
    return [{name: value.numpy() for name, value in values.items()} for values in parsed]


def change_records(shards, changes):
    """Changes records of the first shard, by place; returns the name of the last one changed."""
    crops, file = records_of(shards), shards.files[0]
    for place, changed in changes.items():
        crops[place] |= changed(crops[place])
    with tf.io.TFRecordWriter(str(file)) as writer:
        for crop in crops:
            about = [crop[name].decode() for name in ("name", "subject", "source")]
            labels = crop["landmarks"], crop["pose"], int(crop["number"])
            writer.write(serialised(crop["image"], *labels, *about))
    path = file.with_name("index.json")
    index = json.loads(path.read_text())
    index["shards"][0]["bytes"] = file.stat().st_size
    path.write_text(json.dumps(index))
    return crops[place]["name"].decode()


def test_inspect_refuses_what_it_cannot_do(aflw, tmp_path):
    assert_fails(inspect(tmp_path), "landmarks.csv", "aflw.sqlite", ".pts")
    (tmp_path / "file").write_text("")
    nowhere = tmp_path / "file" / "sheet.png"
    assert_fails(
        inspect(aflw, "--picture", nowhere), f"{tmp_path / 'file'}: expected a folder, but a file"
    )
    assert_fails(inspect(aflw, "--picture", tmp_path / "a.xyz"), "sheet.jpg", "a.xyz")


def test_names_of_folders_are_printed_as_they_are(tmp_path):
    folder = write_300w(tmp_path / "a [red] é")
    assert "[red] é" in inspect(folder).output.replace("\n", " ")


def test_long_paths_that_begin_alike_are_printed_whole(tmp_path):
    above = tmp_path / ("photographs" * 8)
    folders = [write_300w(above / name) for name in ("helen", "lfpw")]
    result = inspect(*folders)
    output = result.output
    assert len(rows_of(result)) == 2
    folded = "".join(re.split(r" {2,}", line.strip())[0] for line in output.splitlines())
    for folder in folders:
        assert str(folder) in folded


def test_faces_that_cannot_be_used_are_named_and_not_counted(tmp_path):
    folder = write_300w(tmp_path / "helen", 4)
    (folder / "image_1.jpg").unlink()
    (folder / "image_2.pts").write_text("")
    result = inspect(folder)
    assert result.exit_code == 1
    (cells,) = rows_of(result)
    assert cells == ["2", "2", "0", "68 to 68", "0"]
    for message in (
        f"helen/image_1.jpg: {folder / 'image_1.jpg'}: no such file",
        "expected 68 points, received 0",
        "2 faces cannot be used",
    ):
        assert message in result.output.replace("\n", "")
    (folder / "image_0.jpg").unlink()
    (folder / "image_3.jpg").unlink()
    assert_fails(inspect(folder), "none of the 4 could be used")
