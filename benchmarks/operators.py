"""Each operator, forward alone and with its gradient, and how it grows.

python benchmarks/operators.py [--threads 2] [--quick]

Each is timed as a plain graph and under XLA, against the same in plain TensorFlow with automatic
differentiation, and against PyTorch, SciPy and OpenCV where they have it. The points are those of
faces in a crop.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import plain_operators as plain
import tensorflow as tf
import torch
from faces import face_model, parameters
from scipy.spatial.transform import Rotation
from sizes import BASE, Size, sizes
from timing import Run

from keras_3dmmstn import ops
from keras_3dmmstn.mesh import contour_lines

#: Along which axes each operator grows.
AXES_OF = {
    "split_parameters": ("batch", "modes"),
    "shape_from_coefficients": ("batch", "grid", "modes"),
    "axis_angle_to_matrix": ("batch",),
    "rotate_points": ("batch", "grid"),
    "project_orthographic": ("batch", "grid"),
    "log_scale_to_scale": ("batch",),
    "scale_points": ("batch", "grid"),
    "translate_points": ("batch", "grid"),
    "translation_to_3d": ("batch",),
    "project_perspective": ("batch", "grid"),
    "select_points": ("batch", "grid"),
    "select_outermost": ("batch",),
    "points_to_grid": ("batch", "grid"),
    "sample_bilinear": ("batch", "grid", "image"),
    "self_occlusion_mask": ("batch", "grid"),
    "mask_texture": ("batch", "grid"),
}
ROTATIONS = 10_000  # for which the call itself costs little


@dataclass(frozen=True)
class Case:
    """An operator with its inputs.

    Attributes:
        function, plain: ours, and the same with automatic differentiation.
        inputs: what is differentiated.
        constants: further arguments.
    """

    function: Callable
    plain: Callable
    inputs: list
    constants: tuple = ()


def cases(size: Size) -> dict[str, Case]:
    """Returns the operators by name, with inputs of a size, in the order of the network."""
    model = face_model(size.grid, size.modes)
    theta = tf.constant(parameters(model, size.batch, size.image))
    mean, basis = tf.constant(model.mean), tf.constant(model.basis)
    r, t, log_scale, alpha = ops.split_parameters(theta)
    shape = ops.shape_from_coefficients(alpha, mean, basis)
    rotation, scale = ops.axis_angle_to_matrix(r), ops.log_scale_to_scale(log_scale)
    rotated = ops.rotate_points(shape, rotation)
    projected = ops.project_orthographic(rotated)
    scaled = ops.scale_points(projected, scale)
    points = ops.translate_points(scaled, t)
    focal_length = tf.fill((size.batch, 1), 4.0 * size.image)
    principal_point = tf.fill((size.batch, 2), (size.image - 1) / 2)
    placed = ops.translation_to_3d(t, scale, focal_length, principal_point)
    landmarks = tf.constant(model.landmark_indices("ibug68"))
    lines, outward = contour_lines(model)
    directions = tf.einsum("lj,bij->bli", outward, rotation[:, :2, :2])
    candidates = tf.gather(points, lines, axis=1)
    grid_shape = (size.grid, size.grid)
    texture = tf.random.stateless_uniform((size.batch, *grid_shape, 3), (0, 0), maxval=255.0)
    image = tf.random.stateless_uniform((size.batch, size.image, size.image, 3), (0, 1))

    def case(name, *inputs, constants=(), **options):
        def with_options(function):
            return lambda *arguments: function(*arguments, **options)

        ours, theirs = (with_options(getattr(m, name)) for m in (ops, plain))
        return name, Case(ours, theirs, list(inputs), constants)

    return dict(
        [
            case("split_parameters", theta),
            case("shape_from_coefficients", alpha, constants=(mean, basis)),
            case("axis_angle_to_matrix", r),
            case("rotate_points", shape, rotation),
            case("project_orthographic", rotated),
            case("log_scale_to_scale", log_scale),
            case("scale_points", projected, scale),
            case("translate_points", scaled, t),
            case("translation_to_3d", t, scale, focal_length, principal_point),
            case("project_perspective", rotated, placed, focal_length, principal_point),
            case("select_points", points, constants=(landmarks,)),
            case("select_outermost", candidates, constants=(directions,)),
            case("points_to_grid", points, grid_shape=grid_shape),
            case("sample_bilinear", image, ops.points_to_grid(points, grid_shape)),
            case("self_occlusion_mask", rotated, grid_shape=grid_shape),
            case(
                "mask_texture", texture, constants=(ops.self_occlusion_mask(rotated, grid_shape),)
            ),
        ]
    )


def forward(function: Callable, case: Case, xla: bool) -> Callable:
    """Returns the call of a function on a case's inputs."""
    traced = tf.function(function, jit_compile=xla)
    return lambda: traced(*case.inputs, *case.constants)


def with_gradient(function: Callable, case: Case, xla: bool) -> Callable:
    """Returns the call that gives a function's value and its gradient to the case's inputs."""
    upstream = tf.nest.map_structure(
        lambda value: tf.random.stateless_normal(value.shape, (1, 2)),
        function(*case.inputs, *case.constants),
    )

    @tf.function(jit_compile=xla)
    def traced(inputs, constants, upstream):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            value = function(*inputs, *constants)
        zero = tf.UnconnectedGradients.ZERO
        return value, tape.gradient(value, inputs, upstream, unconnected_gradients=zero)

    return lambda: traced(case.inputs, case.constants, upstream)


def torch_sampler(case: Case) -> dict[str, Callable]:
    """Returns `grid_sample` on the case's image and grid, forward and with its gradient."""
    image, grid = (torch.tensor(tensor.numpy()) for tensor in case.inputs)
    image = image.permute(0, 3, 1, 2).contiguous()
    height, width = image.shape[2:]
    grid = 2 * grid / torch.tensor([width - 1.0, height - 1.0]) - 1
    upstream = torch.randn(image.shape[0], 3, *grid.shape[1:3])
    watched = [tensor.clone().requires_grad_() for tensor in (image, grid)]

    def sample(image, grid):
        return torch.nn.functional.grid_sample(image, grid, align_corners=True)

    def sample_forward():
        with torch.no_grad():
            return sample(image, grid)

    def sample_with_gradient():
        return torch.autograd.grad(sample(*watched), watched, upstream)

    plain.assert_same(ops.sample_bilinear(*case.inputs), sample_forward().permute(0, 2, 3, 1))
    return {"forward": sample_forward, "forward and backward": sample_with_gradient}


def opencv_sampler(case: Case) -> Callable:
    """Returns `cv2.remap` on the case's images, one after the other."""
    images, grids = (tensor.numpy() for tensor in case.inputs)
    planes = [np.ascontiguousarray(grids[..., axis]) for axis in (0, 1)]
    return lambda: [
        cv2.remap(image, x, y, cv2.INTER_LINEAR)
        for image, x, y in zip(images, *planes, strict=True)
    ]


def scipy_rotations(case: Case) -> Callable:
    """Returns the rotation matrices of the case's vectors by SciPy."""
    vectors = case.inputs[0].numpy()
    plain.assert_same(case.function(vectors), Rotation.from_rotvec(vectors).as_matrix())
    return lambda: Rotation.from_rotvec(vectors).as_matrix()


def peers_of(name: str, case: Case, direction: str, whole: bool) -> dict[str, Callable]:
    """Returns what an operator is compared with; unless `whole`, only what grows beside it."""
    peers = {}
    if name == "sample_bilinear":
        peers["torch grid_sample"] = torch_sampler(case)[direction]
    if not whole:
        return peers
    timed = DIRECTIONS[direction]
    peers |= {
        f"autodiff, {kind}": timed(case.plain, case, xla)
        for kind, xla in (("graph", False), ("XLA", True))
    }
    if direction == "forward" and name == "sample_bilinear":
        peers["OpenCV remap"] = opencv_sampler(case)
    if direction == "forward" and name.startswith("axis_angle_to_matrix"):
        peers["SciPy Rotation"] = scipy_rotations(case)
    return peers


DIRECTIONS = {"forward": forward, "forward and backward": with_gradient}


def compare(run: Run, name: str, case: Case, size: dict[str, int], whole: bool) -> None:
    """Times one operator at one size, in both directions."""
    for direction, timed in DIRECTIONS.items():
        ours = {
            kind: timed(case.function, case, xla) for kind, xla in (("graph", False), ("XLA", True))
        }
        peers = peers_of(name, case, direction, whole)
        if whole:
            plain.assert_same(ours["graph"](), peers["autodiff, graph"]())
        run.compare(f"{name}, {direction}", ours, peers, 2 if whole else 0.4, **size)


def main():
    """Times all operators at all sizes."""
    run = Run.from_command_line(__doc__, __file__)
    seen = set()
    for size in [BASE] if run.quick else sizes():
        for name, case in cases(size).items():
            own = size.of(*AXES_OF[name])
            if (name, *own.values()) not in seen:
                seen.add((name, *own.values()))
                compare(run, name, case, own, whole=size == BASE)
    many = tf.random.stateless_normal((ROTATIONS, 3), (0, 3))
    case = Case(ops.axis_angle_to_matrix, plain.axis_angle_to_matrix, [many])
    compare(run, "axis_angle_to_matrix of many", case, {"batch": ROTATIONS}, whole=True)
    run.write()


if __name__ == "__main__":
    main()
