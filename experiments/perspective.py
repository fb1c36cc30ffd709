"""What a perspective camera sees, fitted with other cameras: when does perspective matter?

python experiments/perspective.py [--faces 10] [--record]

A pinhole camera looks at random faces of the bundled model with 0 to 60 degrees of yaw, from
several distances to the model's origin (the tip of the nose is 45 mm nearer). The picture is scaled
so that a crop of 224 pixels frames the face as the network sees it. Then the pose, and the shape
under its prior, are fitted to the 68 landmarks, which carry no noise: once with an orthographic
camera, and with perspective cameras of the right and of a wrong focal length. Prints the mean
distances of the landmarks and of all vertices in pixels, and of the fitted face from the true one
in millimetres (aligned by a similarity). For the true face it also prints the share of vertices
whose visibility differs from ray casting, by normals against parallel rays and against the
camera's.
"""

import json

import numpy as np
from camera_fit import MIDDLE, SIZE, camera, cast, fit
from experiment import experiment_parser, results_file, write_results
from igl.embree import EmbreeIntersector

from keras_3dmmstn import GridModel, ops
from keras_3dmmstn.mesh import contour_lines
from keras_3dmmstn.network.framing import CROP_TO_BOX

DISTANCES = (300, 500, 1000, 2000)  # mm
YAWS = (0, 30, 60)  # degrees


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


def fitted_errors(model, theta, points, focal_length):
    """Returns what fits of the pose, and of pose and shape, leave under each camera.

    Args:
        theta: the true θ `(6 + D,)`.
        points: the true image points `(N, 2)`.
        focal_length: of the true camera, pixels.
    """
    landmarks = model.landmarks["ibug68"]
    mean, basis = model.mean.astype(np.float64), model.basis.astype(np.float64)
    true_shape = model.shape(theta[6:])
    start = np.append(theta[:6], np.zeros(model.modes))
    cameras = {
        "orthographic": None,
        "perspective, true distance": focal_length,
        "perspective, 2 sides": 2.0 * SIZE,
    }
    errors = {}
    for name, focal in cameras.items():
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
            errors[f"{name}, {shape}"] = entry
    return errors


def wrong_masks(model, points, rotated, place):
    """Returns the shares of vertices whose visibility, by normals, is not that of cast rays."""
    seen = seen_by_rays(rotated + place, model)
    return {
        name: np.mean(
            ops.self_occlusion_mask(cast(looked_at[None])[0], model.grid_shape).numpy().ravel()
            != seen
        )
        for name, looked_at in (("parallel", rotated), ("perspective", points))
    }


def measure(model, distance, yaw, count):
    """Returns what one distance and yaw give, means over faces."""
    mean, basis = model.mean.astype(np.float64), model.basis.astype(np.float64)
    lines, directions = contour_lines(model)
    fits, jaw, wrong = [], [], []
    for theta, focal_length in seen_faces(model, distance, yaw, count):
        points, rotated = (
            x.numpy() for x in camera(cast(theta)[0], *cast(mean, basis), focal_length)
        )
        rotation = ops.axis_angle_to_matrix(cast(theta[:3])[0]).numpy()
        place = np.append((theta[3:5] - MIDDLE) / np.exp(theta[5]), distance)
        wrong.append(wrong_masks(model, points, rotated, place))
        jaw.append(jaw_moved(points, rotated, rotation, place, focal_length, lines, directions))
        fits.append(fitted_errors(model, theta, points, focal_length))
    return {name: means([each[name] for each in fits]) for name in fits[0]} | {
        "mask_wrong": means(wrong),
        "jaw_direction": {"mean": float(np.mean(jaw)), "largest": float(np.max(jaw))},
    }


def means(entries):
    """Returns the means of dicts of numbers, by key."""
    return {key: float(np.mean([entry[key] for entry in entries])) for key in entries[0]}


def main():
    """Measures all distances and yaws, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("--faces", type=int, default=10)
    arguments = parser.parse_args()
    model, record = GridModel.bundled(), {}
    for yaw in YAWS:
        for distance in DISTANCES:
            result = measure(model, distance, yaw, arguments.faces)
            record[f"{distance} mm, {yaw} degrees"] = result
            print(f"{distance} mm, yaw {yaw} degrees")
            for name, entry in result.items():
                print(f"    {name:45} {json.dumps(entry)}", flush=True)
    out = results_file("perspective.json", arguments.record)
    write_results(out, {"faces": arguments.faces, **record})
    print(out)


if __name__ == "__main__":
    main()
