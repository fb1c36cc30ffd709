"""The names that every docstring example may use, the order of the tests, and their cache."""

import os
from tempfile import TemporaryDirectory

import keras
import numpy as np
import pytest

import keras_3dmmstn


def pytest_configure(config):
    """Gives the session and all of its processes compiled models of their own, not the user's."""
    if not hasattr(config, "workerinput"):  # a worker of pytest-xdist has those of the session
        folder = TemporaryDirectory(prefix="keras-3dmmstn-tests-")
        os.environ["KERAS_3DMMSTN_CACHE"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace):
    doctest_namespace.update(np=np, keras=keras, keras_3dmmstn=keras_3dmmstn)
    for module in (keras_3dmmstn, keras_3dmmstn.layers):
        doctest_namespace.update({name: getattr(module, name) for name in module.__all__})


def pytest_collection_modifyitems(items):
    """Begins with the files that have slow tests, so that two processes end at the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
