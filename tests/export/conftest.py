"""What the tests of exports share."""

import pytest

from keras_3dmmstn.export.serving.saved_model import export_saved_model
from tests.support.small_network import small_normaliser


@pytest.fixture(scope="session")
def small_version(tmp_path_factory):
    """Version 1 of a SavedModel of `small_normaliser()`, which nobody changes."""
    return export_saved_model(small_normaliser(), tmp_path_factory.mktemp("models") / "face")


@pytest.fixture(scope="session")
def sure_version(tmp_path_factory):
    """The same of a network that says how sure it is."""
    normaliser = small_normaliser(confidence=True)
    return export_saved_model(normaliser, tmp_path_factory.mktemp("models") / "face")
