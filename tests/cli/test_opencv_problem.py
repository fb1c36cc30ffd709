"""Where OpenCV does not load, help works, and every command that needs it says what to install."""

import json
import os
import subprocess
import sys

import pytest

from keras_3dmmstn.cli.opencv_problem import opencv_problem

# What Python says of `opencv-python` on a system without graphics.
NO_GRAPHICS = 'raise ImportError("libGL.so.1: cannot open shared object file", name="cv2")'
TOO_OLD = '__version__ = "4.8.0"\nIMREAD_COLOR = 1\nerror = ValueError'

SENTENCE = (
    "OpenCV does not load (libGL.so.1: cannot open shared object file): "
    "pip uninstall --yes opencv-python opencv-python-headless && "
    'pip install "opencv-python-headless>=4.11"'
)
COMMANDS = [
    ["normalise", "portrait.jpg", "--out", "out"],
    ["train", "faces", "--out", "out"],
    ["train-confidence", "faces", "--out", "out"],
    ["evaluate", "faces"],
    ["export", "--out", "out"],
    ["data", "convert", "faces", "--out", "out"],
    ["data", "inspect", "faces"],
    ["data", "turn", "faces", "--out", "out"],
    ["face-model", "render", "model.npz", "--out", "out"],
    ["figure", "uv", "--out", "uv.png"],
    ["figure", "pipeline", "portrait.jpg", "--out", "p.png"],
    ["figure", "person", "portrait.jpg", "--out", "p.png"],
    ["figure", "mean-texture", "people", "--out", "out"],
    ["figure", "textures", "portrait.jpg", "--out", "t.png"],
]

# All of them in one process: each would load TensorFlow by itself.
PROGRAM = """
import json, sys
from keras_3dmmstn.cli import main

for words in json.loads(sys.argv[1]):
    sys.argv = ["keras-3dmmstn", "-vv", *words]
    print("command", *words, flush=True)
    try:
        main()
    except SystemExit as end:
        print("status", end.code, flush=True)
"""


@pytest.fixture
def run(tmp_path):
    """Runs Python beside an OpenCV of these lines; returns the lines that it printed."""

    def run(opencv, *arguments):
        (tmp_path / "cv2").mkdir(exist_ok=True)
        (tmp_path / "cv2" / "__init__.py").write_text(opencv)
        for name in ("faces", "people"):
            (tmp_path / name).mkdir(exist_ok=True)
        paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
        result = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return result.stdout.splitlines()

    return run


def test_help_works(run):
    lines = run(NO_GRAPHICS, "-m", "keras_3dmmstn", "--help")
    assert any("Usage: " in line for line in lines)
    assert any(" normalise " in line for line in lines)


def test_every_command_that_needs_opencv_says_what_to_install(run):
    lines = run(NO_GRAPHICS, "-c", PROGRAM, json.dumps(COMMANDS))
    for words in COMMANDS:
        begin = lines.index(" ".join(["command", *words]))
        said = lines[begin + 1 : lines.index("status 1", begin)]
        # TensorFlow may have said something before, and the log says how long it took.
        assert SENTENCE in said[-2:] and not any("Traceback" in line for line in said), words


def test_a_missing_opencv_is_named():
    error = ModuleNotFoundError("No module named 'cv2'", name="cv2")
    expected = 'OpenCV is missing: pip install "opencv-python-headless>=4.11"'
    assert opencv_problem(error) == expected


def test_an_old_opencv_is_named(run):
    code = "import cv2\nfrom keras_3dmmstn.cli import terminal\n"
    code += "with terminal.naming_opencv_problems():\n    cv2.IMREAD_COLOR_RGB"
    (line,) = run(TOO_OLD, "-c", code)
    assert line.startswith("OpenCV 4.8.0 is too old, it has no IMREAD_COLOR_RGB: pip uninstall")


def test_other_errors_are_not_about_opencv():
    for error in (
        ImportError("no name", name="numpy"),
        AttributeError("no attribute", obj=sys, name="x"),
        AttributeError("no attribute"),
        ValueError("cv2"),
    ):
        assert opencv_problem(error) is None
