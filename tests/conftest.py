"""What every test may ask for."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    """A source of random numbers that gives the same ones in every run."""
    return np.random.default_rng(0)
