"""Measures the three ways of computing self-occlusion: how many vertices are wrong, and the time.

python benchmarks/visibility.py [--basel bfm_3ddfa_53215.npz] [--out results/visibility.json]

Truth is cast rays. A vertex is visible if its normal faces the viewer and a ray from it, started
0.1 mm above the surface, meets no triangle on its way there. It is compared for the mean and random
faces in poses all over yaw ±90°, pitch ±45° and roll ±30°. The share of wrong vertices is of all
vertices of the grid, as the paper's. Times are taken in turns, in one run; ratios are medians of
the ratios within a round.
"""

import argparse
import itertools
import json
import os
import platform
import subprocess
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from igl.embree import EmbreeIntersector

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh import model_to_grid, occlusion_table
from keras_3dmmstn.mesh.readers import read
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals, occluded_vertices

FACES, POSES, OFFSET = 16, 90, 0.1  # the first face is the mean; the offset is in millimetres
OTHER_OFFSETS = (0.01, 0.5)
BATCH, IMAGE_SIZE, ROUNDS = 16, 224, 40
YAW_BINS = (0, 15, 30, 45, 60, 75, 90)
METHODS = ("normals", "table", "depth")


def sample_poses(rng) -> tuple[np.ndarray, np.ndarray]:
    """Returns yaw in degrees, evenly spread, and rotations `(POSES, 3, 3)`."""
    yaw = (np.arange(POSES) + rng.uniform(size=POSES)) / POSES * 180 - 90
    pitch, roll = rng.uniform(-45, 45, POSES), rng.uniform(-30, 30, POSES)
    about = [
        ops.axis_angle_to_matrix(tf.constant(np.radians(angle)[:, None] * axis)).numpy()
        for angle, axis in zip((yaw, pitch, roll), np.eye(3)[[1, 0, 2]], strict=True)
    ]
    return yaw, about[2] @ about[1] @ about[0]


def masks_of(points, rotation, grid_shape, table) -> dict:
    """Returns method to mask `(batch, H', W', 1)` for rotated points."""
    return {
        "normals": ops.self_occlusion_mask(points, grid_shape),
        "table": ops.self_occlusion_mask_by_table(points, rotation, grid_shape, table),
        "depth": ops.self_occlusion_mask_by_depth(points, grid_shape),
    }


def wrong_vertices(model: GridModel, table: np.ndarray, rng) -> dict:
    """Compares the methods with rays: shares of wrong vertices, in per cent."""
    yaw, rotations = sample_poses(rng)
    compute = tf.function(
        lambda points, rotation: masks_of(points, rotation, model.grid_shape, tf.constant(table))
    )
    wrong: dict = {method: [] for method in METHODS}
    unseen: dict = {method: [] for method in METHODS}
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
        for method in METHODS
    }


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


def measure_time(model: GridModel, table: np.ndarray, rng) -> dict:
    """Times the methods and the rest of the geometry, plain graph and XLA, in milliseconds."""
    theta = np.zeros((BATCH, 6 + model.modes), np.float32)
    theta[:, :3] = rng.normal(0, 0.5, (BATCH, 3)) * [0.3, 1, 0.3]
    theta[:, 3:5], theta[:, 6:] = IMAGE_SIZE / 2, rng.normal(size=(BATCH, model.modes))
    height = np.ptp(model.mean[:, 1])
    theta[:, 5] = np.log(0.8 * IMAGE_SIZE / height)
    image = tf.constant(rng.uniform(0, 255, (BATCH, IMAGE_SIZE, IMAGE_SIZE, 3)), tf.float32)
    mean, basis = tf.Variable(model.mean), tf.Variable(model.basis)

    def rotated(theta):
        r, _, _, alpha = ops.split_parameters(theta)
        rotation = ops.axis_angle_to_matrix(r)
        shape = ops.shape_from_coefficients(
            alpha, tf.convert_to_tensor(mean), tf.convert_to_tensor(basis)
        )
        return ops.rotate_points(shape, rotation), rotation

    def rest_of_the_geometry(theta, image):
        points, _ = rotated(theta)
        _, t, log_scale, _ = ops.split_parameters(theta)
        projected = ops.project_orthographic(points)
        scaled = ops.scale_points(projected, ops.log_scale_to_scale(log_scale))
        grid = ops.points_to_grid(ops.translate_points(scaled, t), model.grid_shape)
        return ops.sample_bilinear(image, grid)

    def method(name):
        return lambda points, rotation: masks_of(
            points, rotation, model.grid_shape, tf.constant(table)
        )[name]

    points = rotated(tf.constant(theta))
    functions = {"rest": (rest_of_the_geometry, (tf.constant(theta), image))}
    functions |= {name: (method(name), points) for name in METHODS}
    return {
        "plain graph" if not jit_compile else "XLA": time_in_turns(functions, jit_compile)
        for jit_compile in (False, True)
    }


def time_in_turns(functions: dict, jit_compile: bool) -> dict:
    """Returns median and minimum of each function in ms, and its median share of `rest`."""
    compiled = {
        name: (tf.function(function, jit_compile=jit_compile), arguments)
        for name, (function, arguments) in functions.items()
    }
    seconds = np.zeros((ROUNDS + 3, len(compiled)))
    for turn in seconds:
        for column, (function, arguments) in enumerate(compiled.values()):
            start = time.perf_counter()
            function(*arguments).numpy()
            turn[column] = time.perf_counter() - start
    seconds = seconds[3:] * 1000  # the first rounds warm up
    ratios = seconds / seconds[:, :1]
    return {
        name: {
            "median_ms": np.median(seconds[:, column]),
            "minimum_ms": seconds[:, column].min(),
            "of_the_rest": np.median(ratios[:, column]),
            "minimum_of_the_rest": seconds[:, column].min() / seconds[:, 0].min(),
        }
        for column, name in enumerate(compiled)
    }


def measure(name: str, model: GridModel, with_time: bool) -> dict:
    """Measures one face model and prints what came out."""
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
    print(
        f"the table takes {table.nbytes / 2**20:.2f} MiB and {seconds:.0f} s to compute, "
        f"{result['rays_ms_per_direction']:.0f} ms of casting rays for each direction"
    )
    if with_time:
        result["time"] = measure_time(model, table, rng)
        for mode, rows in result["time"].items():
            print(f"\n{name}, {mode}, batch {BATCH}: ms, and of the rest of the geometry")
            for row_name, row in rows.items():
                print(
                    f"{row_name:10}{row['median_ms']:8.2f} (min {row['minimum_ms']:.2f})"
                    f"{row['of_the_rest']:8.2f} (of minima {row['minimum_of_the_rest']:.2f})"
                )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--basel", type=Path, help="the 3DDFA cut of the Basel model, .npz")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/visibility.json"
    )
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    load = os.getloadavg()[0]
    models = {"bundled face": measure("bundled face", GridModel.bundled(), with_time=True)}
    if arguments.basel:
        head = read("tddfa", arguments.basel, identity=10, expression=10)
        grid_model = model_to_grid(head, (112, 112)).grid_model
        models["Basel, 3DDFA cut"] = measure("Basel, 3DDFA cut", grid_model, with_time=False)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    record = {
        "models": models,
        "faces": FACES,
        "poses": POSES,
        "batch": BATCH,
        "image_size": IMAGE_SIZE,
        "commit": commit,
        "threads": arguments.threads,
        "cores": os.cpu_count(),
        "load_before": round(load, 1),
        "device": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(rounded(record), indent=1) + "\n")
    print(f"\n{os.cpu_count()} cores, load before {load:.1f}; {arguments.out}")


def rounded(value):
    """Returns nested dicts and lists with numbers that a reader can take in."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(float(value), 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
