"""Whether an exported artefact agrees with the network that it was made from."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from keras_3dmmstn.export import artefact_runtimes

#: Numbers of threads for which latency is measured.
THREADS = (1, 2)


@dataclass(frozen=True)
class Tolerance:
    """How far an artefact may differ from the network.

    Attributes:
        landmarks: how far a landmark may be off, in pixels of the network's input.
        outliers: the share of landmarks that may be further off. A point of the jaw is the
            outermost of several vertices; if two lie equally far outward, tiny differences decide.
        texture: the mean difference of the texture in levels of 0..255, where both see the face.
        mask: the share of the grid where only one of the two sees the face.
        confidence: how far the confidence may be off, if there is one.
        spread: how far the spread of a landmark may be off on average, if there is one.
    """

    landmarks: float
    outliers: float
    texture: float
    mask: float
    confidence: float = 0.1
    spread: float = 0.01


#: By precision. The landmarks of a good localiser are off by three pixels: an independent error of
#: 0.6 pixels adds 2 % to that, one of 1.0 pixels 5 %.
TOLERANCES = {
    # A sample moves by at most the landmarks' tolerance, and neighbouring pixels of faces differ by
    # some ten levels; the mask changes only along the contour.
    "float32": Tolerance(
        0.05, outliers=0.0, texture=0.5, mask=0.002, confidence=0.001, spread=1e-4
    ),
    "float16": Tolerance(
        0.1, outliers=0.002, texture=0.5, mask=0.004, confidence=0.02, spread=1e-3
    ),
    # A face that is hard to see may move as a whole. By default the command compares on twelve: one
    # of them is 8.3 % of the landmarks.
    "dynamic": Tolerance(landmarks=0.6, outliers=0.09, texture=2.0, mask=0.01),
    "integer": Tolerance(landmarks=1.0, outliers=0.09, texture=4.0, mask=0.01),
}


class ParityError(ValueError):
    """Raised for an artefact that differs from its network by more than the tolerance."""


def check_parity(
    kind: str, artefact: Path, network: keras.Model, images: np.ndarray, tolerance: Tolerance
) -> dict:
    """Runs an artefact and its network on the same images and compares their outputs.

    Args:
        kind: the artefact's format, one of `artefact_runtimes.RUNTIMES`.
        artefact: the file or folder.
        network: the network that it was made from.
        images: `(batch, size, size, 3)` float32, RGB in 0..255.
        tolerance: how far it may be off.

    Returns:
        The result of `compare`, `size_bytes`, and `latency_ms` by number of threads: `median` and
        `smallest` for one image.

    Raises:
        ParityError: if it is further off than tolerated, or does not run.
    """
    expected = network.predict(images, batch_size=8, verbose=0)
    latencies: dict[str, dict] = {}
    report: dict = {}
    for threads in THREADS:
        received, latencies[str(threads)] = run_artefact(kind, artefact, images, threads)
        if not report:
            report = compare(expected, received, tolerance)
    _raise_if_off(report, tolerance)
    files = [artefact] if artefact.is_file() else [p for p in artefact.rglob("*") if p.is_file()]
    size = sum(file.stat().st_size for file in files)
    return {**report, "size_bytes": size, "latency_ms": latencies}


def compare(
    expected: dict[str, np.ndarray], received: dict[str, np.ndarray], tolerance: Tolerance
) -> dict:
    """Measures how far the outputs of an artefact are from those of its network.

    Args:
        expected: `landmarks` `(batch, L, 2)`, `texture` `(batch, H', W', 3)`, `mask`
            `(batch, H', W', 1)` and, if it has them, `confidence` `(batch, 1)` and `spread`
            `(batch, 68)` of the network.
        received: the same of the artefact.
        tolerance: the tolerance beyond which landmarks are counted.

    Returns:
        `landmarks_px` and `texture_levels`, each with `max` and `mean`; `landmarks_beyond`, the
        share of landmarks that are further off than tolerated; `mask_share`; and, if they exist,
        `confidence`, its largest error, and `spread`, its mean error.
    """
    distances = np.linalg.norm(received["landmarks"] - expected["landmarks"], axis=-1)
    # NaN is not within the tolerance either.
    within = distances <= tolerance.landmarks
    seen = (expected["mask"] > 0) & (received["mask"] > 0)
    levels = np.abs(received["texture"] - expected["texture"])[np.repeat(seen, 3, axis=-1)]
    return {
        "landmarks_px": {"max": float(distances.max()), "mean": float(distances.mean())},
        "landmarks_beyond": float((~within).mean()),
        "texture_levels": {
            "max": float(levels.max(initial=0)),
            "mean": float(levels.mean()) if levels.size else 0.0,
        },
        "mask_share": float(((expected["mask"] > 0) != (received["mask"] > 0)).mean()),
        **_judgement(expected, received),
    }


def _judgement(expected, received):
    """Measures how far confidence and spread are off, if they exist."""
    return {
        name: float(measure(np.abs(received[name] - expected[name])))
        for name, measure in (("confidence", np.max), ("spread", np.mean))
        if name in expected
    }


def run_artefact(
    kind: str, artefact: Path, images: np.ndarray, threads: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Runs an artefact in a fresh process with its own runtime.

    Returns:
        Its outputs for `images`, and the `median` and `smallest` latency of one image in ms.

    Raises:
        ParityError: if it does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        inputs, results = Path(folder) / "images.npy", Path(folder) / "results.npz"
        np.save(inputs, images)
        # -P: a module beside the program must not replace a package of the same name.
        program = [sys.executable, "-P", artefact_runtimes.__file__]
        arguments = [kind, artefact, threads, inputs, results]
        run = subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True)
        if run.returncode:
            ended = f"signal {-run.returncode}" if run.returncode < 0 else "no message"
            lines = [] if run.returncode < 0 else run.stderr.strip().splitlines()
            reason = (lines or [ended])[-1]
            raise ParityError(f"it does not run: {reason}")
        with np.load(results) as arrays:
            outputs = dict(arrays)
    return outputs, json.loads(run.stdout.strip().splitlines()[-1])["latency_ms"]


def _raise_if_off(report, tolerance):
    """Raises a ParityError if the differences exceed the tolerance."""
    pixels, beyond = report["landmarks_px"], report["landmarks_beyond"]
    levels, share = report["texture_levels"]["mean"], report["mask_share"]
    off = []
    if not beyond <= tolerance.outliers:
        off.append(
            f"{beyond:.2%} of the landmarks by more than {tolerance.landmarks:g} pixels, "
            f"{pixels['max']:.3g} at most ({tolerance.outliers:.2%} may be)"
        )
    if not levels <= tolerance.texture:
        off.append(f"texture by {levels:.3g} levels on average ({tolerance.texture:g} may be)")
    if not share <= tolerance.mask:
        off.append(f"mask on {share:.2%} of the grid ({tolerance.mask:.2%} may be)")
    if not report.get("confidence", 0.0) <= tolerance.confidence:
        off.append(f"confidence by {report['confidence']:.2g} ({tolerance.confidence:g} may be)")
    if not report.get("spread", 0.0) <= tolerance.spread:
        off.append(f"spread by {report['spread']:.2g} on average ({tolerance.spread:g} may be)")
    if off:
        raise ParityError(f"it differs from the network: {'; '.join(off)}.")
