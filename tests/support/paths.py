"""Where the checkout lies, and the data beside it, of which no test is in need."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Published face models in `models`, labelled photographs in `faces`.
DATA = Path(os.environ.get("KERAS_3DMMSTN_DATA", ROOT.parent / "shared" / "data"))
MODELS = DATA / "models"
FACES = Path(os.environ.get("KERAS_3DMMSTN_FACES", DATA / "faces"))


def published_model(name):
    """Returns the path of a published face model; the test is skipped where it is missing."""
    return _found(MODELS / name, "KERAS_3DMMSTN_DATA, with models/")


def labelled_photographs(name):
    """Returns a folder of labelled photographs; the test is skipped where it is missing."""
    return _found(FACES / name, "KERAS_3DMMSTN_FACES")


def _found(path, variable):
    if not path.exists():
        pytest.skip(f"needs {path} (set {variable})")
    return path
