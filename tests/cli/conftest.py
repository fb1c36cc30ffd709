"""What the tests of `normalise` share."""

import pytest

from tests.support.command_line import found_by_detector, run
from tests.support.faces_with_labels import normaliser_that_says


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A folder with a localiser that always says: the unturned mean face."""
    folder = tmp_path_factory.mktemp("weights")
    normaliser_that_says().save(folder)
    return folder


@pytest.fixture
def faces(monkeypatch):
    """The detector finds a face in all photographs; returns a function to say how many."""
    found_by_detector(monkeypatch, 1)
    return lambda count: found_by_detector(monkeypatch, count)


@pytest.fixture
def normalise(weights, tmp_path, faces):
    """Runs the command into the folder `out`, without overlays."""
    options = ("--out", tmp_path / "out", "--weights", weights, "--no-overlay")
    return lambda *photographs: run("normalise", *photographs, *options)
