"""Shards of face crops: what they hold, and that a conversion can be stopped anywhere."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.mesh.landmark_sets import LANDMARK_COUNT, LANDMARK_SET
from keras_3dmmstn.training.data import conversion
from keras_3dmmstn.training.data.conversion import convert
from keras_3dmmstn.training.data.crops import cut_faces
from keras_3dmmstn.training.data.faces import LabelledFaces, read_faces
from keras_3dmmstn.training.data.shard_index import is_shards
from keras_3dmmstn.training.data.shards import FEATURES, checked_crop, read_shards
from tests.support.face_folders import spot_of, spotted_faces, write_photograph


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def faces(tmp_path):
    return spotted_faces(tmp_path / "photographs", 7)


def test_shards_hold_the_crops_with_all_that_is_known(faces, tmp_path):
    known = LabelledFaces(
        faces.paths,
        faces.landmarks,
        np.arange(21).reshape(7, 3),
        tuple("abcdefg"),
        sources=("s",) * 7,
    )
    shards = convert(known, tmp_path / "out", image_format="png", faces_per_shard=3)
    assert len(shards) == 7 and shards.counts == (3, 3, 1) and shards.sources == {"s": 7}
    crops, expected = shards.load(), cut_faces(faces)
    assert sorted(crops.kept) == list(range(7)) and crops.crop_side == expected.crop_side
    np.testing.assert_array_equal(crops.images, expected.images[crops.kept])
    np.testing.assert_allclose(crops.landmarks, expected.landmarks[crops.kept], rtol=1e-6)
    for place, record in enumerate(shards.records()):
        number = crops.kept[place]
        parsed = tf.io.parse_single_example(record, FEATURES)
        assert parsed["subject"].numpy().decode() == "abcdefg"[number]
        assert parsed["name"].numpy().decode() == str(faces.paths[number])
        assert parsed["source"].numpy() == b"s"
        np.testing.assert_array_equal(parsed["pose"], 3 * number + np.arange(3))


def test_jpeg_is_smaller_and_nearly_the_same(faces, tmp_path):
    crops = convert(faces, tmp_path / "jpeg").load()
    expected = cut_faces(faces)
    for image, landmarks in zip(crops.images, crops.landmarks, strict=True):
        np.testing.assert_allclose(spot_of(image), landmarks[30, :2], atol=0.5)
    difference = np.abs(crops.images.astype(int) - expected.images[crops.kept])
    assert 0 < difference.mean() < 1


def test_the_first_crops_alone_can_be_loaded(faces, tmp_path):
    shards = convert(faces, tmp_path / "out", faces_per_shard=2)
    np.testing.assert_array_equal(shards.load(3).images, shards.load().images[:3])


def test_the_size_of_the_stored_crops_is_an_option(faces, tmp_path):
    shards = convert(faces, tmp_path / "out", size=336)
    assert shards.load().images.shape == (7, 336, 336, 3) and shards.crop_side == 224


def test_the_order_is_random_and_depends_on_the_seed(faces, tmp_path):
    first, second = (convert(faces, tmp_path / str(seed), seed=seed) for seed in (0, 1))
    assert first.load().kept.tolist() != second.load().kept.tolist()
    assert sorted(first.load().kept) == list(range(7))


def test_missing_and_broken_photographs_are_counted_named_and_skipped(faces, tmp_path):
    faces.paths[2].unlink()
    faces.paths[4].write_bytes(b"no image")
    shards = convert(faces, tmp_path / "out", faces_per_shard=2)
    assert len(shards) == 5 and shards.planned == 7
    reasons = {skipped.name: skipped.reason for skipped in shards.skipped}
    assert set(reasons) == {str(faces.paths[2]), str(faces.paths[4])}
    assert "No such file" in reasons[str(faces.paths[2])]
    assert "or a damaged one" in reasons[str(faces.paths[4])]
    assert sorted(shards.load().kept) == [0, 1, 3, 5, 6]


def test_a_shard_whose_photographs_are_all_broken_is_left_out(faces, tmp_path):
    order = np.random.default_rng(0).permutation(7)
    for number in order[:2]:
        faces.paths[number].unlink()
    shards = convert(faces, tmp_path / "out", faces_per_shard=2)
    assert len(shards.files) == 3 and len(shards) == 5
    assert len(read_shards(tmp_path / "out").skipped) == 2


def test_if_no_photograph_can_be_read_that_is_an_error(faces, tmp_path):
    for path in faces.paths:
        path.unlink()
    with pytest.raises(ValueError, match=r"none of the 7 could be used\. The first: .*\.png"):
        convert(faces, tmp_path / "out")
    assert not is_shards(tmp_path / "out")


@pytest.mark.parametrize("stop_after", range(1, 8))
def test_a_stopped_conversion_goes_on_and_ends_with_the_same_files(
    faces, tmp_path, monkeypatch, stop_after
):
    convert(faces, tmp_path / "unbroken", faces_per_shard=2)
    move, moves = conversion.Path.replace, []

    def replace_or_die(self, target):
        moves.append(target)
        if len(moves) == stop_after:
            raise KeyboardInterrupt
        return move(self, target)

    monkeypatch.setattr(conversion.Path, "replace", replace_or_die)
    with pytest.raises(KeyboardInterrupt):
        convert(faces, tmp_path / "stopped", faces_per_shard=2)
    monkeypatch.undo()
    if is_shards(tmp_path / "stopped"):
        with pytest.raises(ValueError, match=r"finished conversion, received one with \d of 4"):
            read_shards(tmp_path / "stopped")
    convert(faces, tmp_path / "stopped", faces_per_shard=2)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "unbroken")


def test_what_is_converted_is_not_converted_again(faces, tmp_path):
    convert(faces, tmp_path / "out", faces_per_shard=2)
    before = contents(tmp_path / "out")
    for path in faces.paths:
        path.unlink()
    seen = []
    convert(faces, tmp_path / "out", faces_per_shard=2, progress=lambda n: seen.extend(n) or n)
    assert seen == [] and contents(tmp_path / "out") == before


def test_a_damaged_shard_is_refused_and_made_again(faces, tmp_path):
    shards = convert(faces, tmp_path / "out", faces_per_shard=2)
    before = contents(tmp_path / "out")
    shards.files[1].write_bytes(shards.files[1].read_bytes()[:-10])
    with pytest.raises(ValueError, match=r"faces-00001\.tfrecord: expected a shard of \d+ bytes"):
        read_shards(tmp_path / "out")
    convert(faces, tmp_path / "out", faces_per_shard=2)
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("change", "message"),
    [({"size": 96}, "size 192 and not 96"), ({"image_format": "png"}, "image_format 'jpeg'")],
)
def test_other_settings_are_not_mixed_in(faces, tmp_path, change, message):
    convert(faces, tmp_path / "out")
    with pytest.raises(ValueError, match=rf"begun with, {message}.* or write to another folder"):
        convert(faces, tmp_path / "out", **change)


def test_a_folder_with_anything_else_is_refused(faces, tmp_path):
    folder = faces.paths[0].parent
    with pytest.raises(ValueError, match=r"photographs: expected a new or empty .* 0\.png, 1\.png"):
        convert(faces, folder)
    assert not is_shards(folder)


def test_a_conversion_that_the_version_before_began_goes_on(faces, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("faces-00000.part", "index.json.part"):
        (out / name).write_bytes(b"half")
    convert(faces, out, faces_per_shard=4)
    assert sorted(path.name for path in out.iterdir()) == [
        "faces-00000.tfrecord",
        "faces-00001.tfrecord",
        "index.json",
    ]


def test_no_face_to_convert_is_an_error(faces, tmp_path):
    with pytest.raises(ValueError, match="Expected labelled faces to convert, received none"):
        convert(faces.choose([]), tmp_path / "out")


def test_a_shard_with_a_flipped_bit_is_named(faces, tmp_path):
    shards = convert(faces, tmp_path / "out", faces_per_shard=4)
    content = bytearray(shards.files[1].read_bytes())
    content[1000] ^= 1
    shards.files[1].write_bytes(content)
    with pytest.raises(
        ValueError, match=r"faces-00001\.tfrecord: .* damaged records .* delete the file"
    ):
        read_shards(tmp_path / "out").load()
    shards.files[1].unlink()
    assert len(convert(faces, tmp_path / "out", faces_per_shard=4).load()) == 7


def test_other_labels_are_not_mixed_in(faces, tmp_path):
    convert(faces, tmp_path / "out")
    faces.landmarks[3, 5, 0] += 1
    with pytest.raises(ValueError, match=r"labels '[0-9a-f]+' and not '[0-9a-f]+'"):
        convert(faces, tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image_format": "gif"}, "'jpeg' or 'png', received 'gif'"),
        ({"size": 8}, "16 to 4096 pixels .* received 8 and 512"),
        ({"size": 5000}, "16 to 4096 pixels .* received 5000 and 512"),
        ({"faces_per_shard": 0}, "received 192 and 0"),
    ],
)
def test_settings_out_of_range_are_refused(faces, tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        convert(faces, tmp_path / "out", **settings)


def test_a_folder_without_index_or_with_a_foreign_one_is_named(faces, tmp_path):
    with pytest.raises(ValueError, match=r"Expected index\.json of face crops in"):
        read_shards(tmp_path)
    convert(faces, tmp_path / "out")
    path = tmp_path / "out" / "index.json"
    index = json.loads(path.read_text())
    path.write_text(json.dumps({**index, "version": 0}))
    with pytest.raises(ValueError, match=r"expected version 1 .* received version 0"):
        read_shards(tmp_path / "out")
    path.write_text("[]")
    with pytest.raises(ValueError, match=r"index\.json: expected the index of face crops"):
        read_shards(tmp_path / "out")


@pytest.mark.parametrize(
    "change",
    [
        {"shards": None},
        {"shards": [{"file": "../faces-00000.tfrecord"}]},
        {"shards": [7]},
        {"settings": {"landmark_set": LANDMARK_SET}},
        {"settings": {"landmark_set": LANDMARK_SET, "size": 10**9, "share": 1.5, "sources": {}}},
        {"skipped": [{"name": "a"}]},
        {"finished": "yes"},
    ],
)
def test_an_index_with_other_content_is_named(faces, tmp_path, change):
    convert(faces, tmp_path / "out")
    path = tmp_path / "out" / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ValueError, match=r"index\.json: expected the index of face crops: "):
        read_shards(tmp_path / "out")


@pytest.mark.parametrize("name", ["file", "faces", "bytes", "skipped"])
def test_so_is_one_whose_shards_lack_something(faces, tmp_path, name):
    convert(faces, tmp_path / "out")
    path = tmp_path / "out" / "index.json"
    index = json.loads(path.read_text())
    del index["shards"][0][name]
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"index\.json: expected the index of face crops: shards"):
        read_shards(tmp_path / "out")


def test_an_index_that_nests_deeply_is_named(faces, tmp_path):
    (tmp_path / "index.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"index\.json: expected the index of face crops"):
        read_shards(tmp_path)


@pytest.mark.parametrize(
    ("claimed", "message"),
    [
        (3, r"faces-00000\.tfrecord: expected 3 .*received 2"),
        (9_000, r"index\.json: expected the index of face crops"),
    ],
)
def test_shards_with_fewer_faces_than_the_index_says_are_named(faces, tmp_path, claimed, message):
    convert(faces, tmp_path / "out", faces_per_shard=2)
    path = tmp_path / "out" / "index.json"
    index = json.loads(path.read_text())
    index["shards"][0]["faces"] = claimed
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=message):
        read_shards(tmp_path / "out").load()


def test_shards_of_another_size_than_the_index_says_are_named(faces, tmp_path):
    convert(faces, tmp_path / "out", size=64)
    path = tmp_path / "out" / "index.json"
    index = json.loads(path.read_text())
    index["settings"]["size"] = 96
    path.write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"tfrecord: expected .* of 96 pixels, .* \(64, 64, 3\)"):
        read_shards(tmp_path / "out").load()


def test_a_shard_that_vanishes_or_changes_while_it_is_read_is_named(faces, tmp_path):
    shards = convert(faces, tmp_path / "out", faces_per_shard=2)
    data = shards.files[0].read_bytes()
    shards.files[0].write_bytes(data[:40] + b"?" + data[41:])
    with pytest.raises(ValueError, match=r"faces-00000\.tfrecord: .* received damaged records"):
        shards.load()
    with tf.io.TFRecordWriter(str(shards.files[0])) as writer:
        writer.write(b"no example")
    with pytest.raises(ValueError, match=r"faces-00000\.tfrecord: .* received damaged records"):
        shards.load()
    # TensorFlow quotes a record that is no UTF-8, and fails at that.
    with tf.io.TFRecordWriter(str(shards.files[0])) as writer:
        writer.write(b"\xc6\xff no example")
    for read in (shards.load, shards.labels):
        with pytest.raises(ValueError, match=r"faces-00000\.tfrecord: .* received damaged record"):
            read()
    shards.files[0].unlink()
    with pytest.raises(ValueError, match=r"faces-00000\.tfrecord: .* no such file: run the conv"):
        shards.load()


def test_a_full_disk_names_the_shard(faces, tmp_path, monkeypatch):
    def full(writer, record):
        raise tf.errors.ResourceExhaustedError(None, None, "no space")

    monkeypatch.setattr(tf.io.TFRecordWriter, "write", full)
    with pytest.raises(OSError, match="No space left on device") as raised:
        convert(faces, tmp_path / "out")
    assert raised.value.filename == str(tmp_path / "out" / "faces-00000.tfrecord")
    assert not list((tmp_path / "out").glob("*.tfrecord*"))


@pytest.mark.slow
def test_a_killed_conversion_goes_on_and_ends_with_the_same_files(tmp_path):
    folder = tmp_path / "photographs"
    columns = ",".join(f"{axis}{n}" for n in range(68) for axis in "xy")
    points = ",".join(f"{20 + n}.5,{30 + n % 40}.25" for n in range(68))
    rows = [f"{n}.png,{points}" for n in range(100)]
    for n in range(100):
        write_photograph(folder / "images" / f"{n}.png", (40 + n % 50, 60), (80, 100))
    (folder / "landmarks.csv").write_text(f"image,{columns}\n" + "\n".join(rows) + "\n")
    code = (
        "import time\n"
        "from keras_3dmmstn.training.data.conversion import convert\n"
        "from keras_3dmmstn.training.data.faces import read_faces\n"
        "def slowly(faces):\n"
        "    for face in faces:\n"
        "        time.sleep(0.01)\n"
        "        yield face\n"
        f"faces = read_faces({str(folder)!r})\n"
        f"convert(faces, {str(tmp_path / 'out')!r}, faces_per_shard=4, progress=slowly)"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    started = subprocess.Popen([sys.executable, "-c", code], env=environment)
    while not is_shards(tmp_path / "out") and started.poll() is None:
        time.sleep(0.005)
    time.sleep(0.05)
    started.send_signal(signal.SIGKILL)
    started.wait()
    assert started.returncode == -signal.SIGKILL, "the conversion ended before it was killed"
    with pytest.raises(ValueError, match=r"finished conversion, received one with \d+ of 25"):
        read_shards(tmp_path / "out")
    faces = read_faces(folder)
    convert(faces, tmp_path / "out", faces_per_shard=4)
    convert(faces, tmp_path / "unbroken", faces_per_shard=4)
    assert contents(tmp_path / "out") == contents(tmp_path / "unbroken")


def test_a_record_that_is_no_crop_is_an_error():
    data = cv2.imencode(".png", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    points = np.zeros((LANDMARK_COUNT, 3), np.float32)
    assert checked_crop(data, points, 2, planned=3).shape == (16, 16, 3)
    for arguments, message in [
        ((b"no image", points, 0), "no picture"),
        ((b"", points, 0), "no picture"),
        ((data, points, 3), "the number 3 of 3 faces"),
        ((data, points, -1), "the number -1 of 3 faces"),
        ((data, points * np.nan, 0), "landmarks that are not finite"),
        ((data, points - 1e30, 0), "landmarks as far away as 1e.30 pixels"),
    ]:
        with pytest.raises(ValueError, match=message):
            checked_crop(*arguments, planned=3)
