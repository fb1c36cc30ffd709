from importlib import metadata

import numpy as np
import pytest

from keras_3dmmstn import version


def test_versions_of_all_that_numbers_depend_on():
    found = version.versions()
    assert list(found) == ["keras-3dmmstn", "tensorflow", "keras", "numpy", "opencv-python"]
    assert found["keras-3dmmstn"] == version.__version__
    assert found["numpy"] == np.__version__
    assert "unknown" not in found.values()


@pytest.mark.parametrize(
    ("installed", "expected"),
    [({"opencv-python-headless": "4.13"}, "4.13"), ({}, "unknown")],
)
def test_packages_under_other_names_and_missing_ones(installed, expected, monkeypatch):
    def lookup(name):
        try:
            return installed[name]
        except KeyError:
            raise metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(version.metadata, "version", lookup)
    found = version.versions()
    assert found["opencv-python"] == expected
    assert found["tensorflow"] == "unknown"
    assert found["keras-3dmmstn"] == version.__version__, "also where it is not installed"
