"""The three ways of computing self-occlusion, and how long each takes."""

import time

import numpy as np
import tensorflow as tf

from keras_3dmmstn import GridModel, ops

BATCH, IMAGE_SIZE, ROUNDS = 16, 224, 40
METHODS = ("normals", "table", "depth")


def masks_of(points, rotation, grid_shape, table) -> dict:
    """Returns method to mask `(batch, H', W', 1)` for rotated points."""
    return {
        "normals": ops.self_occlusion_mask(points, grid_shape),
        "table": ops.self_occlusion_mask_by_table(points, rotation, grid_shape, table),
        "depth": ops.self_occlusion_mask_by_depth(points, grid_shape),
    }


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


def print_times(name: str, times: dict) -> None:
    """Prints how long each method takes."""
    for mode, rows in times.items():
        print(f"\n{name}, {mode}, batch {BATCH}: ms, and of the rest of the geometry")
        for row_name, row in rows.items():
            print(
                f"{row_name:10}{row['median_ms']:8.2f} (min {row['minimum_ms']:.2f})"
                f"{row['of_the_rest']:8.2f} (of minima {row['minimum_of_the_rest']:.2f})"
            )
