"""The commands, run in this process as a user runs them."""

from pathlib import Path

from typer.testing import CliRunner

from keras_3dmmstn.cli.app import app
from tests.support.detectors import DetectorThatSays


def run(*arguments):
    """Runs `keras-3dmmstn` and returns its exit status and output."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def assert_fails(result, *texts):
    """Checks that a command ended with exit status 1 and a message that has these texts."""
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    output = result.output.replace("\n", " ")
    for text in texts:
        assert text in output, result.output


def names(folder):
    """The names of what lies in a folder."""
    return sorted(path.name for path in Path(folder).iterdir())


def found_by_detector(monkeypatch, count):
    """Makes the detector find so many faces in every photograph, all at the same place."""
    from keras_3dmmstn.inference.detection import FaceDetector

    detector = DetectorThatSays([[20, 20, 80, 80]] * count)
    monkeypatch.setattr(FaceDetector, "find", lambda self, image: detector.find(image))
