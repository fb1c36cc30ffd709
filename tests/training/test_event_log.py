"""Logs for TensorBoard, read back with TensorFlow."""

import cv2
import numpy as np

from keras_3dmmstn.training.event_log import EventLog
from tests.support.event_files import events


def test_numbers_and_pictures_are_what_tensorboard_reads(tmp_path, rng):
    picture = rng.integers(0, 256, (6, 9, 3), np.uint8)
    log = EventLog(tmp_path / "events")
    log.scalar("loss", 2.5, 1)
    log.scalar("loss", 1.5, 2)
    log.picture("pipeline", picture, 2)
    log.flush()

    found = events(tmp_path / "events")
    assert [(step, plugin, float(v)) for step, plugin, v in found["loss"]] == [
        (1, "scalars", 2.5),
        (2, "scalars", 1.5),
    ]
    ((step, plugin, (width, height, png)),) = found["pipeline"]
    assert (step, plugin, width, height) == (2, "images", b"9", b"6")
    read = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(read, picture)


def test_a_second_log_adds_to_the_first(tmp_path):
    for step in (1, 2):
        log = EventLog(tmp_path)
        log.scalar("loss", 1.0, step)
        log.flush()
    # TensorBoard puts files of the same second in no order of its own.
    assert sorted(step for step, _, _ in events(tmp_path)["loss"]) == [1, 2]


def test_a_log_that_nothing_was_written_to_leaves_no_file(tmp_path):
    log = EventLog(tmp_path / "events")
    assert not (tmp_path / "events").exists()
    log.scalar("loss", 1.0, 1)
    log.flush()
    assert len(list((tmp_path / "events").iterdir())) == 1
