"""What every test may ask for, and what all of them share."""

import gc
import sys

import numpy as np
import pytest

from tests.support.shared_conversions import shared_conversions


@pytest.fixture
def rng():
    """A source of random numbers that gives the same ones in every run."""
    return np.random.default_rng(0)


def pytest_collection_finish():
    """Spares the collector of garbage what was imported: it stays until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _shared_conversions():
    """Converts equal functions once, if any test of the session runs networks."""
    if "keras_3dmmstn.inference.compiled_function" not in sys.modules:
        yield
        return
    with shared_conversions():
        yield
