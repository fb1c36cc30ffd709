"""What a perspective camera sees, fitted with other cameras: when does perspective matter?

python benchmarks/perspective.py [--faces 10]

Random faces of the bundled model, in poses of 0 to 60 degrees of yaw, are seen by a pinhole camera
from several distances, measured to the model's origin (the tip of the nose is 45 mm nearer). The
picture is scaled so that a crop of 224 pixels frames the face as the network sees it. Pose, and
shape under its prior, are then fitted to the 68 landmarks, exact to a pixel, under an orthographic
camera and under perspective cameras of a given focal length, right and wrong. Printed are the mean
distances in pixels of the landmarks and of all vertices, and in millimetres of the fitted face from
the true one (rigidly aligned, free to scale). For the true face also the share of vertices whose
visibility is wrong against ray casting, by their normals against parallel and the camera's rays.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from igl.embree import EmbreeIntersector

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh import contour_lines
from keras_3dmmstn.network.framing import CROP_TO_BOX

SIZE = 224
MIDDLE = (SIZE - 1) / 2
DISTANCES = (300, 500, 1000, 2000)  # mm
YAWS = (0, 30, 60)  # degrees
ROUNDS = 25


def cast(*arrays):
    """Returns arrays as float64 tensors."""
    return [tf.constant(np.asarray(array, np.float64)) for array in arrays]


def camera(theta, mean, basis, focal_length):
    """Projects vertices `(N, 3)` of a model with θ `(6 + D,)`; focal length in pixels, or None."""
    r, t, log_scale, alpha = ops.split_parameters(theta)
    vertices = ops.shape_from_coefficients(alpha[None], mean, basis)
    rotated = ops.rotate_points(vertices, ops.axis_angle_to_matrix(r[None]))
    scale = ops.log_scale_to_scale(log_scale[None])
    if focal_length is None:
        scaled = ops.scale_points(ops.project_orthographic(rotated), scale)
        return ops.translate_points(scaled, t[None])[0], rotated[0]
    lens = tf.reshape(tf.cast(focal_length, tf.float64), (1, 1)), *cast([[MIDDLE, MIDDLE]])
    place = ops.translation_to_3d(t[None], scale, *lens)
    return ops.project_perspective(rotated, place, *lens)[0], rotated[0]


@tf.function
def _residual_and_jacobian(theta, mean, basis, focal_length, orthographic):
    """Returns points `(L, 2)` and their derivative `(L, 2, 6 + D)`, by the ops' own gradients."""
    with tf.GradientTape() as tape:
        tape.watch(theta)
        points, _ = camera(theta, mean, basis, None if orthographic else focal_length)
    return points, tape.jacobian(points, theta)


def fit(points, mean, basis, focal_length, start):
    """Fits θ to image points `(L, 2)` by damped Gauss-Newton, with the prior |α|²."""
    theta, (mean, basis) = start.copy(), cast(mean, basis)
    prior = np.concatenate([np.zeros(6), np.ones(len(start) - 6)])
    orthographic = focal_length is None
    focal = tf.constant(0.0 if orthographic else focal_length, tf.float64)

    def linearised(theta):
        predicted, jacobian = _residual_and_jacobian(
            tf.constant(theta), mean, basis, focal, orthographic
        )
        residual = (predicted.numpy() - points).ravel()
        cost = residual @ residual + prior @ theta**2
        return residual, jacobian.numpy().reshape(residual.size, -1), cost

    residual, jacobian, cost = linearised(theta)
    damping = 1e-3
    for _ in range(ROUNDS):
        hessian = jacobian.T @ jacobian + np.diag(prior)
        gradient = jacobian.T @ residual + prior * theta
        step = np.linalg.solve(hessian + damping * np.diag(np.diag(hessian)), -gradient)
        new = linearised(theta + step)
        if new[2] < cost:
            theta, (residual, jacobian, cost), damping = theta + step, new, damping / 10
        else:
            damping *= 10
    return theta


def shape_error(fitted, true):
    """Returns the mean distance in mm after the best similarity of shapes `(N, 3)`."""
    a, b = fitted - fitted.mean(axis=0), true - true.mean(axis=0)
    u, singular, vt = np.linalg.svd(b.T @ a)
    turn = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (singular * np.diag(turn)).sum() / (a**2).sum()
    return float(np.linalg.norm(scale * a @ (u @ turn @ vt).T - b, axis=1).mean())


def seen_faces(model, distance, yaw, count):
    """Yields θ of random faces, framed as in a crop, and the focal length that shows them so."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        theta = np.zeros(6 + model.modes)
        theta[6:] = rng.normal(size=model.modes)
        theta[:3] = rng.normal(0, 0.1, 3) + [0, np.radians(yaw), 0]
        vertices = model.shape(theta[6:])[model.landmarks["ibug68"]]
        turned = vertices @ np.asarray(ops.axis_angle_to_matrix(cast(theta[:3])[0])).T
        directions = turned[:, :2] / (turned[:, 2:] + distance)
        low, high = directions.min(axis=0), directions.max(axis=0)
        focal_length = SIZE / (CROP_TO_BOX * (high - low).max())
        theta[5] = np.log(focal_length / distance)
        # The camera looks at the middle of the crop; its axis meets the face's origin beside it.
        theta[3:5] = MIDDLE - focal_length * (low + high) / 2
        yield theta, focal_length


def seen_by_rays(vertices, model):
    """Returns which vertices `(N, 3)` a camera at the origin sees, by rays from 0.1 mm off them."""
    grid = vertices.reshape(*model.grid_shape, 3)
    normals = np.cross(*np.gradient(grid, axis=(0, 1))).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    rays = EmbreeIntersector()
    rays.init(vertices.astype(np.float32, "F"), model.triangles.astype(np.int32, "F"))
    seen = np.sum(normals * vertices, axis=1) < 0
    for vertex in np.flatnonzero(seen):
        start, ray = vertices[vertex] + 0.1 * normals[vertex], -vertices[vertex]
        face, *_ = rays.intersectRay_first(*np.float32([start, ray]), 0.0, np.inf)
        seen[vertex] = face < 0
    return seen


def jaw_moved(points, rotated, rotation, place, focal_length, lines, directions):
    """Returns how far jaw points move, pixels, if outward is turned as this camera shows it.

    Outward is R (d, 0). Orthographically its image is its x and y; in perspective it is
    (I | −p_xy / p_z) R (d, 0) at a point p.
    """
    outward = directions @ rotation[:, :2].T
    first = rotated[lines[:, 0]] + place
    exact = outward[:, :2] - first[:, :2] / first[:, 2:] * outward[:, 2:]
    rows = np.arange(len(lines))
    chosen = [
        points[lines[rows, ops.outermost(points[lines], d).numpy()]]
        for d in (outward[:, :2], exact)
    ]
    return np.linalg.norm(chosen[0] - chosen[1], axis=1)


def measure(model, distance, yaw, count):
    """Returns what one distance and yaw give, means over faces."""
    landmarks = model.landmarks["ibug68"]
    mean, basis = model.mean.astype(np.float64), model.basis.astype(np.float64)
    lines, directions = contour_lines(model)
    sums, jaw, wrong = {}, [], {"parallel": [], "perspective": []}
    for theta, focal_length in seen_faces(model, distance, yaw, count):
        points, rotated = (
            x.numpy() for x in camera(cast(theta)[0], *cast(mean, basis), focal_length)
        )
        true_shape = model.shape(theta[6:])
        rotation = ops.axis_angle_to_matrix(cast(theta[:3])[0]).numpy()
        place = np.append((theta[3:5] - MIDDLE) / np.exp(theta[5]), distance)
        seen = seen_by_rays(rotated + place, model)
        for name, looked_at in (("parallel", rotated), ("perspective", points)):
            mask = ops.self_occlusion_mask(cast(looked_at[None])[0], model.grid_shape).numpy()
            wrong[name].append(np.mean(mask.ravel() != seen))
        jaw.append(jaw_moved(points, rotated, rotation, place, focal_length, lines, directions))
        start = theta.copy()
        start[6:] = 0
        for name, focal in {
            "orthographic": None,
            "perspective, true distance": focal_length,
            "perspective, 2 sides": 2.0 * SIZE,
        }.items():
            for shape, modes in (("pose", 0), ("pose and shape", model.modes)):
                # The pose alone is fitted for the true shape.
                base = mean if modes else true_shape.astype(np.float64)
                used = basis[:modes] if modes else basis[:1] * 0
                first = start[: 6 + len(used)]
                fitted = fit(points[landmarks], base[landmarks], used[:, landmarks], focal, first)
                again, _ = camera(cast(fitted)[0], *cast(base, used), focal)
                off = np.linalg.norm(again.numpy() - points, axis=1)
                entry = {"landmarks": float(off[landmarks].mean()), "vertices": float(off.mean())}
                if modes:
                    entry["shape_mm"] = shape_error(model.shape(fitted[6:]), true_shape)
                sums.setdefault(f"{name}, {shape}", []).append(entry)
    means = {
        name: {key: float(np.mean([entry[key] for entry in entries])) for key in entries[0]}
        for name, entries in sums.items()
    }
    return means | {
        "mask_wrong": {name: float(np.mean(shares)) for name, shares in wrong.items()},
        "jaw_direction": {"mean": float(np.mean(jaw)), "largest": float(np.max(jaw))},
    }


def main():
    """Measures all distances and yaws, prints and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--faces", type=int, default=10)
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results/perspective.json"
    )
    arguments = parser.parse_args()
    model, record = GridModel.bundled(), {}
    for yaw in YAWS:
        for distance in DISTANCES:
            result = measure(model, distance, yaw, arguments.faces)
            record[f"{distance} mm, {yaw} degrees"] = result
            print(f"{distance} mm, yaw {yaw} degrees")
            for name, entry in result.items():
                print(f"    {name:45} {json.dumps(entry)}", flush=True)
    arguments.out.write_text(json.dumps({"faces": arguments.faces, **record}, indent=1) + "\n")
    print(arguments.out)


if __name__ == "__main__":
    main()
