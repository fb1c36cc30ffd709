"""Whether an exported artefact says the same as the network it was made from."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np

from keras_3dmmstn import framing
from keras_3dmmstn.export import artefact_run
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.photograph import read_photograph, warp
from keras_3dmmstn.visualisation import render_mesh

#: Numbers of threads at which latency is measured.
THREADS = (1, 2)


@dataclass(frozen=True)
class Tolerance:
    """How far an artefact may be from the network.

    Attributes:
        landmarks: the largest difference of a landmark in pixels of the network's input.
        texture: the mean difference of the texture in levels of 0..255, where both see the face.
        mask: the share of the grid where only one of the two sees the face.
    """

    landmarks: float
    texture: float
    mask: float


#: Of formats that calculate in float32. A sample moves by at most the landmarks' tolerance, and
#: neighbouring pixels of faces differ by some ten levels; the mask changes along the contour alone.
FLOAT32 = Tolerance(landmarks=0.05, texture=0.5, mask=0.002)


class ParityError(ValueError):
    """Raised for an artefact that differs from its network by more than is tolerated."""


def rendered_photographs(grid_model: GridModel, image_size: int, count: int = 4) -> np.ndarray:
    """Renders random faces of a model, in colours, poses and expressions that differ.

    Args:
        grid_model: the face model.
        image_size: side of the square crops in pixels.
        count: how many faces.

    Returns:
        `(count, image_size, image_size, 3)` float32, RGB in 0..255; the same in every call.
    """
    rng = np.random.default_rng(0)
    photographs = []
    for _ in range(count):
        coefficients = rng.normal(0, 0.7, grid_model.modes)
        vertices = grid_model.mean + np.tensordot(coefficients, grid_model.basis, 1)
        points = vertices[:, :2]
        if "ibug68" in grid_model.landmarks:
            points = points[grid_model.landmarks["ibug68"]]
        x, y, side = framing.crop_square(framing.tight_box(points))
        # Skin with blotches, so that a sample at another place has another colour.
        blotches = np.array([222.0, 184, 160]) * rng.uniform(0.5, 1.1, (14, 14, 3))
        colours = cv2.resize(blotches, grid_model.grid_shape[::-1])
        picture = render_mesh(
            vertices,
            grid_model.triangles,
            image_size,
            colours=np.asarray(colours).reshape(-1, 3),
            axis_angle=tuple(rng.normal(0, 0.25, 3)),
            frame=(np.array([x, y]), side),
            background=tuple(rng.integers(0, 256, 3).tolist()),
        )
        photographs.append(picture)
    return np.stack(photographs).astype(np.float32)


def middle_crop(path: str | Path, image_size: int) -> np.ndarray:
    """Reads a photograph and scales the largest square in its middle.

    Args:
        path: the photograph.
        image_size: side of the result in pixels.

    Returns:
        `(image_size, image_size, 3)` float32, RGB in 0..255.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an image.
    """
    image = read_photograph(path)
    height, width = image.shape[:2]
    scale = image_size / min(height, width)
    shift = (image_size - 1) / 2 - scale * (np.array([width, height]) - 1) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return warp(image, matrix, image_size).astype(np.float32)


def check_parity(
    kind: str, artefact: Path, network: keras.Model, images: np.ndarray, tolerance: Tolerance
) -> dict:
    """Runs an artefact and its network on the same images and compares what they say.

    Args:
        kind: the artefact's format, one of `artefact_run.RUNTIMES`.
        artefact: the file or folder.
        network: what it was made from.
        images: `(batch, size, size, 3)` float32, RGB in 0..255.
        tolerance: how far it may be off.

    Returns:
        `landmarks_px`, `texture_levels` (each `max` and `mean`), `mask_share`, `size_bytes` and
        `latency_ms` by number of threads: `median` and `smallest` of one image.

    Raises:
        ParityError: if it is further off than tolerated, or does not run.
    """
    expected = {name: v.numpy() for name, v in network(images, training=False).items()}
    latencies: dict[str, dict] = {}
    report: dict = {}
    for threads in THREADS:
        received, latencies[str(threads)] = run_artefact(kind, artefact, images, threads)
        if not report:
            report = compare(expected, received)
    _raise_if_off(artefact, report, tolerance)
    files = [artefact] if artefact.is_file() else [p for p in artefact.rglob("*") if p.is_file()]
    size = sum(file.stat().st_size for file in files)
    return {**report, "size_bytes": size, "latency_ms": latencies}


def compare(expected: dict[str, np.ndarray], received: dict[str, np.ndarray]) -> dict:
    """Measures how far the outputs of an artefact are from those of its network.

    Args:
        expected: `landmarks` `(batch, L, 2)`, `texture` `(batch, H', W', 3)` and `mask`
            `(batch, H', W', 1)` of the network.
        received: the same of the artefact.

    Returns:
        `landmarks_px` and `texture_levels`, each with `max` and `mean`, and `mask_share`.
    """
    distances = np.linalg.norm(received["landmarks"] - expected["landmarks"], axis=-1)
    seen = (expected["mask"] > 0) & (received["mask"] > 0)
    levels = np.abs(received["texture"] - expected["texture"])[np.repeat(seen, 3, axis=-1)]
    return {
        "landmarks_px": {"max": float(distances.max()), "mean": float(distances.mean())},
        "texture_levels": {
            "max": float(levels.max(initial=0)),
            "mean": float(levels.mean()) if levels.size else 0.0,
        },
        "mask_share": float(((expected["mask"] > 0) != (received["mask"] > 0)).mean()),
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
        # -P: a module beside the program must not stand in for a package of the same name.
        program = [sys.executable, "-P", artefact_run.__file__]
        arguments = [kind, artefact, threads, inputs, results]
        run = subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True)
        if run.returncode:
            reason = (run.stderr.strip().splitlines() or ["no message"])[-1]
            raise ParityError(f"{artefact}: the artefact does not run: {reason}")
        with np.load(results) as arrays:
            outputs = dict(arrays)
    return outputs, json.loads(run.stdout.strip().splitlines()[-1])["latency_ms"]


def _raise_if_off(artefact, report, tolerance):
    """Raises a ParityError if a difference is larger than tolerated, or none at all."""
    measured = {
        "landmarks (largest, px)": (report["landmarks_px"]["max"], tolerance.landmarks),
        "texture (mean, levels)": (report["texture_levels"]["mean"], tolerance.texture),
        "mask (share)": (report["mask_share"], tolerance.mask),
    }
    # Not a number is not within the tolerance either.
    off = [f"{n} {v:.4g} > {most:g}" for n, (v, most) in measured.items() if not v <= most]
    if off:
        raise ParityError(f"{artefact.name}: differs from the network: {', '.join(off)}.")
