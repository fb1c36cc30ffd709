"""The package's log, as a program that imports the package has it."""

import logging
import subprocess
import sys

import numpy as np
import pytest

from keras_3dmmstn.training.faces import read_faces
from tests.support.detectors import DetectorThatSays
from tests.support.faces_with_labels import normaliser_that_says

FIVE = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
PHOTOGRAPH = np.full((100, 120, 3), 90, np.uint8)


def test_it_is_silent_by_default_even_of_errors():
    code = (
        "import logging, keras_3dmmstn\n"
        "logging.getLogger('keras_3dmmstn.inference').error('for nobody')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == run.stderr == ""


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


def test_a_program_sees_what_the_detector_found(normaliser, monkeypatch, caplog):
    monkeypatch.setattr(normaliser, "detector", DetectorThatSays([[20, 20, 80, 80]]))
    with caplog.at_level(logging.DEBUG, "keras_3dmmstn"):
        (face,) = normaliser(PHOTOGRAPH)
    assert caplog.messages[0].startswith("array: the detector found 1 face in ")
    assert caplog.messages[1] == "  face 0: box 20, 20, 80, 80, score 0.90, roll 0°"
    assert "array: 120 x 100, 1 face normalised in " in caplog.text
    assert f"{100 * face.mask.mean():.0f}% of it visible" in caplog.text
    assert {record.name.split(".")[0] for record in caplog.records} == {"keras_3dmmstn"}


def test_a_photograph_that_fails_is_logged_with_its_name(normaliser, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        (outcome,) = normaliser.stream([tmp_path / "none.jpg"])
    assert outcome.error is not None
    assert f"{tmp_path / 'none.jpg'}: failed: " in caplog.text


def test_a_backbone_that_litert_does_not_run_is_logged_with_the_devices(monkeypatch, caplog):
    from keras_3dmmstn.inference import compiled_localiser

    def refuses(function, shapes):
        raise ValueError("an operator\nof nobody")

    monkeypatch.setattr(compiled_localiser, "CompiledFunction", refuses)
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        normaliser_that_says()
    assert "LiteRT does not run the localiser: an operator" in caplog.messages
    assert "TensorFlow runs the localiser; devices: " in caplog.text


def test_faces_that_are_left_out_are_logged(tmp_path, caplog):
    names = [f"{axis}_{point}" for point in FIVE for axis in "xy"]
    rows = [["image", *names], ["a.png", *"1234567891"], ["b.png", "1", "2"]]
    text = "\n".join(", ".join(row) for row in rows)
    (tmp_path / "landmarks.csv").write_text(text)  # with spaces at its commas
    with caplog.at_level(logging.INFO, "keras_3dmmstn"):
        assert len(read_faces(tmp_path)) == 1
    assert caplog.messages[0] == f"{tmp_path}: 1 labelled faces, 1 left out"
    assert "landmarks.csv, line 3: expected 11 cells, received 3" in caplog.messages[1]
