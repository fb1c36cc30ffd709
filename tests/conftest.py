"""What every test may ask for, and what all of them share."""

import gc
import sys

import numpy as np
import pytest

from tests.support.compiled_once import shared_conversions, shared_geometry


@pytest.fixture
def rng():
    """A source of random numbers that gives the same ones in every run."""
    return np.random.default_rng(0)


def pytest_collection_finish():
    """Spares the collector of garbage what was imported, which stays, and most of its rounds.

    Graphs are many small objects: with Python's thresholds they take a tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once():
    """Compiles what is equal once, if any test of the session has a normaliser."""
    if "keras_3dmmstn.inference.normaliser" not in sys.modules:
        yield
        return
    with shared_conversions(), shared_geometry():
        yield
