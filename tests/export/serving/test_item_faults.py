import cv2
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.export.serving import item_faults
from keras_3dmmstn.inference import boxes

SIZE = (120, 90)


def encoded(ending, size=SIZE):
    return cv2.imencode(ending, np.full((*size[::-1], 3), 90, np.uint8))[1].tobytes()


def of_file(file):
    status, message, size = item_faults.file_fault(tf.constant(file))
    return int(status), message.numpy().decode(), size.numpy().tolist()


def of_box(box):
    status, message = item_faults.box_faults(tf.constant([box], tf.float32), tf.constant(SIZE))
    return int(status[0]), message.numpy()[0].decode()


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_nothing_is_wrong_with_a_photograph(ending):
    assert of_file(encoded(ending)) == (0, "", list(SIZE))


@pytest.mark.parametrize("bad", [b"", b"GIF89a", b"\x89PNG"])
def test_a_file_of_another_kind_is_an_invalid_argument(bad):
    status, message, _ = of_file(bad)
    assert status == item_faults.INVALID_ARGUMENT
    assert "expected JPEG or PNG" in message and f"received one of {len(bad)} bytes" in message


def test_a_png_file_without_a_size_is_damaged():
    claimed = bytearray(encoded(".png"))
    claimed[16:20] = bytes(4)
    for bad in (bytes(claimed), bytes(claimed[:12])):
        status, message, _ = of_file(bad)
        assert status == item_faults.DATA_LOSS
        assert message.endswith(f"a damaged or truncated one of {len(bad)} bytes")


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_file_of_too_many_pixels_is_refused_by_its_header(ending, monkeypatch):
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_MEGAPIXELS", "0.0107")
    status, message, _ = of_file(encoded(ending))
    assert status == item_faults.INVALID_ARGUMENT
    assert "at most 10,700 pixels" in message and "width and height 120, 90 in" in message


@pytest.mark.parametrize("side", [10_000, 2**32 - 1])
def test_a_small_file_that_claims_a_huge_picture_is_refused(side):
    claimed = bytearray(encoded(".png", (8, 8)))
    claimed[16:24] = side.to_bytes(4, "big") * 2
    status, message, _ = of_file(bytes(claimed))
    assert status == item_faults.INVALID_ARGUMENT
    assert f"256 a byte of the file, received width and height {side}, {side} in" in message


def test_a_damaged_file_is_lost_data():
    status, message = item_faults.damaged(tf.constant(["123"]), tf.constant([True]))
    assert status.numpy().tolist() == [item_faults.DATA_LOSS]
    assert message.numpy()[0].endswith(b"a damaged or truncated one of 3 bytes")


@pytest.mark.parametrize("bad", [[5, 0, 5, 9], [0, 9, 5, 3], [0, 0, np.nan, 5], [0, 0, np.inf, 5]])
def test_a_box_that_is_none_is_an_invalid_argument(bad):
    status, message = of_box(bad)
    assert status == item_faults.INVALID_ARGUMENT
    assert message.startswith("boxes: expected x0 < x1, y0 < y1, received ")
    assert message.split("received ")[1].startswith(f"{bad[0]}, ")


@pytest.mark.parametrize("box", [[10, 10, 10.5, 60], [10, 10, 60, 10.999]])
def test_a_box_narrower_than_a_pixel_is_refused_as_by_the_normaliser(box):
    with pytest.raises(ValueError, match="at least 1 pixel wide and high"):
        boxes.checked_boxes([box], np.zeros((*SIZE[::-1], 3), np.uint8))
    status, message = of_box(box)
    assert status == item_faults.INVALID_ARGUMENT
    assert message.startswith("boxes: expected a box at least 1 pixel wide and high, received 10, ")


@pytest.mark.parametrize(
    "box",
    [
        [-50, 10, 0, 60],
        [10, -50, 60, 0],
        [119, 10, 150, 60],
        [10, 89, 60, 120],
        [-600, 10, 601, 60],
        [10, 10, 1e30, 60],
    ],
)
def test_a_box_outside_its_photograph_is_refused_as_by_the_normaliser(box):
    with pytest.raises(ValueError, match=r"lies outside|times as large"):
        boxes.checked_boxes([np.array(box, np.float32)], np.zeros((*SIZE[::-1], 3), np.uint8))
    status, message = of_box(box)
    assert status == item_faults.OUT_OF_RANGE
    assert "within its photograph" in message
    assert message.endswith("in one of width and height 120, 90")


@pytest.mark.parametrize("box", [[-50, -40, 0.5, 0.5], [118.5, 88.5, 160, 99], [0, -600, 90, 600]])
def test_a_box_that_reaches_out_of_its_photograph_is_taken(box):
    photograph = np.zeros((*SIZE[::-1], 3), np.uint8)
    assert len(boxes.checked_boxes([np.array(box, np.float32)], photograph)) == 1
    assert of_box(box) == (0, "")
