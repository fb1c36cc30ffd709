"""Memory that does not suffice: a sentence, whoever meets it."""

import errno
import os
import subprocess
import sys

import cv2
import pytest

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.memory_problem import memory_problem
from keras_3dmmstn.cli.opencv_problem import opencv_problem
from keras_3dmmstn.training.data.skipped import reason_of

NO_ROOM = "libtensorflow_cc.so.2: failed to map segment from shared object"


def raised_from(error, cause):
    """An error that a library made of another one."""
    try:
        raise error from cause
    except type(error) as raised:
        return raised


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


def opencv_error():
    error = cv2.error("Failed to allocate 5 bytes")
    error.code = -4
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "The memory does not suffice."),
        (MemoryError("Unable to allocate 9 GiB"), "not suffice: Unable to allocate 9 GiB."),
        (ImportError(NO_ROOM), NO_ROOM),
        (ImportError("x.so: cannot allocate memory in static TLS block"), "allocate memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory"),
        (RuntimeError("can't start new thread"), "can't start new thread"),
        (RuntimeError("Resource temporarily unavailable"), "temporarily unavailable"),
        (ResourceExhaustedError("OOM when allocating\nmore"), "suffice: OOM when allocating."),
        (opencv_error(), "Failed to allocate 5 bytes"),
        (raised_from(ImportError("no keras"), MemoryError()), "The memory does not suffice."),
    ],
)
def test_errors_of_every_library(error, sentence):
    assert sentence in memory_problem(error)


@pytest.mark.parametrize(
    "error", [ImportError("no such module"), ValueError("memory"), OSError(errno.ENOSPC, "full")]
)
def test_other_errors_are_none(error):
    assert memory_problem(error) is None
    with pytest.raises(type(error)), terminal.naming_missing_memory():
        raise error


def test_opencv_without_room_need_not_be_installed_again():
    assert opencv_problem(ImportError(NO_ROOM, name="cv2")) is None
    assert opencv_problem(ImportError("libGL.so.1: no such file", name="cv2")) is not None


def test_a_command_ends_with_a_sentence():
    code = (
        "import keras_3dmmstn.cli.app as commands\n"
        "def app(obj): raise MemoryError('Unable to allocate 9 GiB')\n"
        "commands.app = app\n"
        "from keras_3dmmstn.cli import main\n"
        "main()\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ
    )
    assert run.returncode == 1
    assert run.stderr == "The memory does not suffice: Unable to allocate 9 GiB.\n"


def test_a_face_that_is_left_out_has_a_reason():
    assert reason_of(MemoryError()) == "MemoryError"
