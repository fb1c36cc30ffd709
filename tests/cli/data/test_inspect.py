"""`keras-3dmmstn data inspect`, run as a user runs it."""

import json
import re

import cv2
import numpy as np
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


def test_inspect_looks_at_the_pictures_in_shards(aflw, tmp_path):
    out = tmp_path / "out"
    run("data", "convert", aflw, "--out", out, "--size", 192)
    (shard,) = read_shards(out).files
    crops = [parsed(record) for record in tf.data.TFRecordDataset(str(shard))]
    for picture, received in (
        (b"no picture at all", r"no picture in record 1 "),
        (
            cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes(),
            r"\(20, 20, 3\) in rec",
        ),
    ):
        with tf.io.TFRecordWriter(str(shard)) as writer:
            for number, crop in enumerate(crops):
                image = picture if number == 1 else crop["image"]
                about = [crop[name].decode() for name in ("name", "subject", "source")]
                landmarks, pose = crop["landmarks"], crop["pose"]
                writer.write(serialised(image, landmarks, pose, int(crop["number"]), *about))
        index = json.loads((out / "index.json").read_text())
        index["shards"][0]["bytes"] = shard.stat().st_size
        (out / "index.json").write_text(json.dumps(index))
        result = inspect(out)
        assert_fails(result, f"{shard}: expected 3 face crops of 192 pixels, received")
        assert re.search(received, result.output)
        assert crops[1]["name"].decode() in result.output


def parsed(record):
    """The values of a record by name."""
    values = tf.io.parse_single_example(record, FEATURES)
    return {name: value.numpy() for name, value in values.items()}


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
