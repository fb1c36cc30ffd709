"""Several devices: `MirroredStrategy` on two gives the gradients that one gives."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support import two_devices
from tests.support.paths import ROOT

# Layers with weights or batch statistics, one after the other, and those of the geometry.
LAYERS = {"compact localiser": 20 + 10}
FEW_LAYERS = 2 + 10

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What `two_devices.py` wrote: devices have to be made before TensorFlow starts."""
    path = tmp_path_factory.mktemp("devices") / "results.npz"
    script = [sys.executable, two_devices.__file__, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(script, capture_output=True, text=True, env=environment)
    assert run.returncode == 0, run.stderr[-2000:]
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def gradients(results, case, devices):
    found = [name.split("/") for name in results if name.startswith(f"{case}/{devices}/")]
    numbers = sorted(int(name[2]) for name in found if name[2].isdigit())
    return [results[f"{case}/{devices}/{number}"] for number in numbers]


@pytest.mark.parametrize("case", [case for case in two_devices.CASES if case != "parted pair"])
def test_two_devices_give_the_gradients_and_logs_of_one(case, results):
    _, images, _, weights = two_devices.CASES[case]
    # A gradient is a sum over the images, and each layer on the way to it rounds: float32 eps
    # times images times layers.
    images *= 2 if weights else 1
    tolerance = 1.2e-7 * images * LAYERS.get(case, FEW_LAYERS)
    one, two = (gradients(results, case, devices) for devices in ("one", "two"))
    assert len(one) == len(two) >= 4
    for number, (expected, received) in enumerate(zip(one, two, strict=True)):
        largest = np.abs(expected).max()
        assert largest > 0
        np.testing.assert_allclose(
            received, expected, rtol=0, atol=tolerance * largest, err_msg=f"weight {number}"
        )
    logs = [json.loads(str(results[f"{case}/{devices}/logs"])) for devices in ("one", "two")]
    assert logs[1] == pytest.approx(logs[0], rel=tolerance)
    assert {"loss", "pixels", *weights} <= set(logs[0])


def test_a_pair_that_two_devices_would_part_is_named(results):
    assert len(gradients(results, "parted pair", "one")) >= 4
    assert "followed by its reflection (an even batch, on each of several devices)" in str(
        results["parted pair/two/error"]
    )
