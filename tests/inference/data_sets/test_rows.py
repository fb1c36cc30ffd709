"""What is stored of a face, and the files that it is stored in."""

import sys

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.data_sets.plan import PlannedPhotograph
from keras_3dmmstn.inference.data_sets.rows import COLUMNS, row_of
from keras_3dmmstn.inference.data_sets.shard_files import check_format, rows_read, rows_written
from tests.support.data_sets import SHAPE, plain_face

PHOTOGRAPH = PlannedPhotograph(2**40, "a/é\udcff.jpg", None)


@pytest.fixture(params=["parquet", "tfrecord"])
def format_name(request):
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return request.param


def test_a_row_has_the_face_s_numbers():
    face = plain_face()
    row = row_of(PHOTOGRAPH, 3, face, "raw")
    assert list(row) == list(COLUMNS)
    assert (row["photograph"], row["image"], row["face"]) == (2**40, "a/é\\udcff.jpg", 3)
    np.testing.assert_array_equal(row["box"], [1, 2, 3, 4])
    theta = np.array([0.1, 0.2, 0.3, 40, 50, 1.5, 6, 7, 8], np.float32)  # r, t, log s, α
    np.testing.assert_array_equal(row["theta"], theta)
    np.testing.assert_allclose(row["pose"], face.pose, rtol=1e-6)
    np.testing.assert_array_equal(row["landmarks"], [0, 1, 2, 3, 4, 5])
    assert row["camera"].size == 0 and row["score"] == 0.5 and np.isnan(row["confidence"])
    assert row["texture"] == face.texture.tobytes()
    np.testing.assert_array_equal(
        np.frombuffer(row["mask"], np.uint8).reshape(SHAPE), 255 * face.mask
    )


def test_a_perspective_camera_and_a_confidence_are_stored_too():
    parameters = plain_face().parameters | {
        "focal_length": np.array([900.0]),
        "principal_point": np.array([30.0, 20.0]),
    }
    face = plain_face(parameters=parameters, score=None, confidence=0.25, landmark_indices={})
    row = row_of(PHOTOGRAPH, 0, face, "raw")
    np.testing.assert_array_equal(row["camera"], [900, 30, 20])
    assert np.isnan(row["score"]) and row["confidence"] == 0.25 and row["landmarks"].size == 0


def test_pictures_may_be_png():
    face = plain_face()
    row = row_of(PHOTOGRAPH, 0, face, "png")
    texture = cv2.imdecode(np.frombuffer(row["texture"], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(texture[..., ::-1], face.texture)
    mask = cv2.imdecode(np.frombuffer(row["mask"], np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, 255 * face.mask)


def test_what_is_written_is_read(format_name, tmp_path):
    rows = [row_of(PHOTOGRAPH, n, plain_face(n), "png") for n in range(150)]
    with rows_written(tmp_path / "a", format_name) as add:
        for row in rows:
            add(row)
    read = list(rows_read(tmp_path / "a", format_name))
    assert len(read) == len(rows)
    for row, again in zip(rows, read, strict=True):
        assert list(again) == list(COLUMNS)
        assert again["image"] == row["image"].encode()
        for name in set(COLUMNS) - {"image"}:
            np.testing.assert_array_equal(again[name], row[name], err_msg=name)


def test_a_file_may_have_no_rows(format_name, tmp_path):
    with rows_written(tmp_path / "a", format_name):
        pass
    assert list(rows_read(tmp_path / "a", format_name)) == []


def test_a_damaged_file_is_named(format_name, tmp_path):
    with rows_written(tmp_path / "a", format_name) as add:
        for number in range(3):
            add(row_of(PHOTOGRAPH, number, plain_face(), "png"))
    (tmp_path / "a").write_bytes((tmp_path / "a").read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"a: expected a shard of faces, received a damaged file"):
        list(rows_read(tmp_path / "a", format_name))
    with pytest.raises(FileNotFoundError, match="Expected a shard of faces"):
        list(rows_read(tmp_path / "b", format_name))


def test_records_of_something_else_are_no_faces(tmp_path):
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        writer.write(tf.train.Example().SerializeToString())
    with pytest.raises(ValueError, match="damaged"):
        list(rows_read(tmp_path / "a", "tfrecord"))
    with tf.io.TFRecordWriter(str(tmp_path / "a")) as writer:
        writer.write(b"words")
    with pytest.raises(ValueError, match="damaged"):
        list(rows_read(tmp_path / "a", "tfrecord"))


def test_parquet_of_something_else_has_no_faces(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.table({"image": ["a"]}), tmp_path / "a")
    with pytest.raises(ValueError, match="damaged"):
        list(rows_read(tmp_path / "a", "parquet"))


def test_where_nothing_can_be_written_an_error_says_so(format_name, tmp_path):
    with (
        pytest.raises(OSError, match="nowhere"),
        rows_written(tmp_path / "nowhere/a", format_name) as add,
    ):
        add(row_of(PHOTOGRAPH, 0, plain_face(), "png"))


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="Expected the format parquet or tfrecord, received 'csv'"):
        check_format("csv")


def test_without_pyarrow_parquet_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    check_format("tfrecord")
    with pytest.raises(ImportError, match=r"parquet needs pyarrow: pip install"):
        check_format("parquet")
