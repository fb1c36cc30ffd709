"""What the commands print where the terminal lacks characters."""

import io
import os
import subprocess
import sys

import pytest

from keras_3dmmstn.cli.encodings import print_what_there_is


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1"])
def test_symbols_have_plain_names_and_others_are_escaped(encoding):
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding)
    print_what_there_is(stream)
    print("% of √(w h), σ₁/σ₂, \N{SNOWMAN} and \udcff", file=stream, flush=True)
    expected = "% of sqrt(w h), sigma1/sigma2, \\u2603 and \\udcff"
    assert written.getvalue().decode(encoding).strip() == expected


def test_a_stream_with_all_characters_stays_as_it_is():
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, "utf-8")
    print_what_there_is(stream)
    print("σ₁", file=stream, flush=True)
    assert written.getvalue().decode().strip() == "σ₁"
    print_what_there_is(None)  # a program without a terminal


def test_face_model_inspect_prints_its_table_in_cp1252():
    run = subprocess.run(
        [sys.executable, "-m", "keras_3dmmstn", "face-model", "inspect", "bundled"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert run.returncode == 0, run.stderr
    assert "angle distortion sigma1/sigma2" in run.stdout.decode("cp1252")
