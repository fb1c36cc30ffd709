"""The three ways of computing self-occlusion: how many vertices each gets wrong, and its time.

python experiments/visibility.py [--basel bfm_3ddfa_53215.npz] [--without-times] [--record]

The truth comes from ray casting: a vertex is visible if its normal faces the viewer and a ray from
0.1 mm above it meets no triangle on its way to the viewer. The methods are compared with it for the
mean face and random faces, in poses over yaw ±90°, pitch ±45° and roll ±30°. The share of wrong
vertices is a share of all vertices of the grid, as in the paper. "cleaned" is a network's mask:
the depth buffer's, with rims followed and specks taken away. The timed calls take turns in one run,
and a ratio is the median of the ratios of the rounds.
"""

import itertools
import os
import platform
import subprocess
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from experiment import FOLDER, experiment_parser, results_file, write_results
from igl.embree import EmbreeIntersector
from mask_methods import BATCH, IMAGE_SIZE, METHODS, masks_of, measure_time, print_times

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh import model_to_grid, occlusion_table
from keras_3dmmstn.mesh.readers import read
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices
from keras_3dmmstn.network.sampler import mask_cleaning

FACES, POSES, OFFSET = 16, 90, 0.1  # the first face is the mean; the offset is in millimetres
OTHER_OFFSETS = (0.01, 0.5)
COMPARED = (*METHODS, "cleaned")
YAW_BINS = (0, 15, 30, 45, 60, 75, 90)


def sample_poses(rng) -> tuple[np.ndarray, np.ndarray]:
    """Returns yaw in degrees, evenly spread, and rotations `(POSES, 3, 3)`."""
    yaw = (np.arange(POSES) + rng.uniform(size=POSES)) / POSES * 180 - 90
    pitch, roll = rng.uniform(-45, 45, POSES), rng.uniform(-30, 30, POSES)
    about = [
        ops.axis_angle_to_matrix(tf.constant(np.radians(angle)[:, None] * axis)).numpy()
        for angle, axis in zip((yaw, pitch, roll), np.eye(3)[[1, 0, 2]], strict=True)
    ]
    return yaw, about[2] @ about[1] @ about[0]


def wrong_vertices(model: GridModel, table: np.ndarray, rng) -> dict:
    """Compares the methods with rays: shares of wrong vertices, in per cent."""
    yaw, rotations = sample_poses(rng)
    cleaning = mask_cleaning(model)

    @tf.function
    def compute(points, rotation):
        masks = masks_of(points, rotation, model.grid_shape, tf.constant(table))
        return {**masks, "cleaned": cleaned(masks["depth"], *cleaning)}

    wrong: dict = {method: [] for method in COMPARED}
    unseen: dict = {method: [] for method in COMPARED}
    for face in range(FACES):
        coefficients = rng.normal(size=model.modes) * (face > 0)
        vertices = model.shape(coefficients).astype(float)
        normals = grid_normals(vertices, model.grid_shape)
        towards = -rotations[:, 2]
        occluded = occluded_vertices(vertices, model.triangles, normals, towards, OFFSET)
        visible = (towards @ normals.T > 0) & ~occluded
        for rotation, truth in zip(rotations, visible, strict=True):
            points = (vertices @ rotation.T)[None].astype(np.float32)
            masks = compute(points, rotation[None].astype(np.float32))
            for method, mask in masks.items():
                seen = mask.numpy().ravel() > 0
                wrong[method].append((seen != truth).mean() * 100)
                unseen[method].append((truth & ~seen).mean() * 100)
    return {
        method: summary(np.reshape(wrong[method], (FACES, POSES)), np.mean(unseen[method]), yaw)
        for method in COMPARED
    }


def cleaned(mask, rims: np.ndarray | None, majority: int):
    """Returns a mask `(batch, H', W', 1)` as a network has it, see `SelfOcclusionMask`."""
    if rims is not None:
        mask = ops.follow_rims(mask, tf.constant(rims))
    return ops.without_specks(mask, majority) if majority > 1 else mask


def summary(wrong: np.ndarray, hidden_too_much: float, yaw: np.ndarray) -> dict:
    """Describes shares `(FACES, POSES)` of wrong vertices."""
    bins = np.digitize(np.abs(yaw), YAW_BINS[1:-1])
    return {
        "wrong": wrong.mean(),
        "of_which_visible": hidden_too_much,
        "mean_face": wrong[0].mean(),
        "random_faces": wrong[1:].mean(),
        "worst_pose": wrong.max(),
        "by_yaw": [wrong[:, bins == k].mean() for k in range(len(YAW_BINS) - 1)],
    }


def sensitivity(model: GridModel, rng) -> dict:
    """Returns how far other definitions of truth differ from the one used, in per cent.

    Of the mean face, in every tenth pose: rays that start elsewhere, and rays that start at the
    vertex and pass through the triangles that it belongs to.
    """
    vertices = model.mean.astype(float)
    normals = grid_normals(vertices, model.grid_shape)
    towards = -sample_poses(rng)[1][::10, 2]
    reference = occluded_vertices(vertices, model.triangles, normals, towards, OFFSET)
    differences = {}
    for offset in OTHER_OFFSETS:
        other = occluded_vertices(vertices, model.triangles, normals, towards, offset)
        differences[f"rays from {offset} mm"] = (other != reference).mean() * 100
    rays = EmbreeIntersector()
    rays.init(np.asfortranarray(vertices, np.float32), np.asfortranarray(model.triangles, np.int32))
    other = np.zeros_like(reference)
    for hidden, direction in zip(other, towards, strict=True):
        for vertex in np.flatnonzero(normals @ direction > 0):
            hits, _ = rays.intersectRay(
                vertices[vertex].astype(np.float32), direction.astype(np.float32), 0.0, np.inf
            )
            hidden[vertex] = any(vertex not in model.triangles[face] for face, *_ in hits)
    differences["rays from the vertex, past its triangles"] = (other != reference).mean() * 100
    return differences


def measure(name: str, model: GridModel, with_time: bool) -> dict:
    """Measures one face model and prints the results."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    table = occlusion_table(model)
    seconds = time.perf_counter() - start
    result: dict = {
        "grid": list(model.grid_shape),
        "table": {"bytes": table.nbytes, "seconds": seconds},
        "rays_ms_per_direction": seconds / (table.shape[0] * table.shape[1]) * 1000,
        "wrong_per_cent": wrong_vertices(model, table, rng),
        "truth_changes_by_per_cent": sensitivity(model, rng),
    }
    print_errors(name, result)
    if with_time:
        result["time"] = measure_time(model, table, rng)
        print_times(name, result["time"])
    return result


def print_errors(name: str, result: dict) -> None:
    """Prints how many vertices each method gets wrong."""
    print(f"\n{name}: vertices that are wrong, per cent; {FACES} faces x {POSES} poses")
    bins = "".join(f"{a}-{b}°".rjust(8) for a, b in itertools.pairwise(YAW_BINS))
    print(f"{'':10}{'all':>8}{'mean':>8}{'random':>8}{'worst':>8}   by yaw{bins}")
    for method, row in result["wrong_per_cent"].items():
        keys = ("wrong", "mean_face", "random_faces", "worst_pose")
        print(
            f"{method:10}"
            + "".join(f"{row[key]:8.2f}" for key in keys)
            + " " * 9
            + "".join(f"{share:8.2f}" for share in row["by_yaw"])
        )
    for other, share in result["truth_changes_by_per_cent"].items():
        print(f"truth changes by {share:.2f} % with {other}")
    table = result["table"]
    print(
        f"the table takes {table['bytes'] / 2**20:.2f} MiB and {table['seconds']:.0f} s to "
        f"compute, {result['rays_ms_per_direction']:.0f} ms of casting rays for each direction"
    )


def main() -> None:
    """Measures the models, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--basel", type=Path, help="the 3DDFA cut of the Basel model, .npz")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--without-times", action="store_true", help="count wrong vertices only")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    load = os.getloadavg()[0]
    models = {
        "bundled face": measure("bundled face", GridModel.bundled(), not arguments.without_times)
    }
    if arguments.basel:
        head = read("tddfa", arguments.basel, identity=10, expression=10)
        grid_model = model_to_grid(head, (112, 112)).grid_model
        models["Basel, 3DDFA cut"] = measure("Basel, 3DDFA cut", grid_model, with_time=False)
    out = results_file("visibility.json", arguments.record)
    write_results(out, rounded({"models": models} | conditions(arguments.threads, load)))
    print(f"\n{os.cpu_count()} cores, load before {load:.1f}; {out}")


def conditions(threads: int, load: float) -> dict:
    """Returns what was measured and where."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=FOLDER, capture_output=True, text=True
    ).stdout.strip()
    return {
        "faces": FACES,
        "poses": POSES,
        "batch": BATCH,
        "image_size": IMAGE_SIZE,
        "commit": commit,
        "threads": threads,
        "cores": os.cpu_count(),
        "load_before": round(load, 1),
        "device": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def rounded(value):
    """Returns nested dicts and lists with numbers that a reader can take in."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(float(value), 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
