"""Each operator, forward alone and with its gradient, and how it grows.

python benchmarks/operators.py [--threads 2] [--quick] [--record]

Each operator is timed as a plain graph and under XLA. Its peers are the same operator in plain
TensorFlow with automatic differentiation, and PyTorch, SciPy and OpenCV where they have it. The
points are those of faces in a crop.
"""

from collections.abc import Callable

import cv2
import numpy as np
import plain_operators as plain
import tensorflow as tf
import torch
from operator_cases import AXES_OF, Case, cases
from scipy.spatial.transform import Rotation
from sizes import BASE, sizes
from timing import Run

from keras_3dmmstn import ops

ROTATIONS = 10_000  # for which the call itself costs little


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


def peers_of(case: Case, direction: str, whole: bool) -> dict[str, Callable]:
    """Returns what an operator is compared with; unless `whole`, only what grows beside it."""
    peers = {}
    if case.name == "sample_bilinear":
        peers["torch grid_sample"] = torch_sampler(case)[direction]
    if not whole:
        return peers
    timed = DIRECTIONS[direction]
    peers |= {
        f"autodiff, {kind}": timed(case.plain, case, xla)
        for kind, xla in (("graph", False), ("XLA", True))
    }
    if direction == "forward" and case.name == "sample_bilinear":
        peers["OpenCV remap"] = opencv_sampler(case)
    if direction == "forward" and case.name.startswith("axis_angle_to_matrix"):
        peers["SciPy Rotation"] = scipy_rotations(case)
    return peers


DIRECTIONS = {"forward": forward, "forward and backward": with_gradient}


def compare(run: Run, case: Case, size: dict[str, int], whole: bool) -> None:
    """Times one operator at one size, in both directions."""
    for direction, timed in DIRECTIONS.items():
        ours = {
            kind: timed(case.function, case, xla) for kind, xla in (("graph", False), ("XLA", True))
        }
        peers = peers_of(case, direction, whole)
        if whole:
            plain.assert_same(ours["graph"](), peers["autodiff, graph"]())
        run.compare(f"{case.name}, {direction}", ours, peers, 2 if whole else 0.4, **size)


def main():
    """Times all operators at all sizes."""
    run = Run.from_command_line(__doc__, __file__)
    seen = set()
    for size in [BASE] if run.quick else sizes():
        for name, case in cases(size).items():
            own = size.of(*AXES_OF[name])
            if (name, *own.values()) not in seen:
                seen.add((name, *own.values()))
                compare(run, case, own, whole=size == BASE)
    many = tf.random.stateless_normal((ROTATIONS, 3), (0, 3))
    name = "axis_angle_to_matrix of many"
    case = Case(name, ops.axis_angle_to_matrix, plain.axis_angle_to_matrix, [many])
    compare(run, case, {"batch": ROTATIONS}, whole=True)
    run.write()


if __name__ == "__main__":
    main()
