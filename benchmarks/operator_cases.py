"""Each operator with inputs of a size, and its twin in plain TensorFlow."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import plain_operators as plain
import tensorflow as tf
from faces import face_model, parameters
from sizes import Size

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


@dataclass(frozen=True)
class Case:
    """An operator with its inputs.

    Attributes:
        name: of the operator.
        function, plain: ours, and the same with automatic differentiation.
        inputs: what is differentiated.
        constants: further arguments.
    """

    name: str
    function: Callable
    plain: Callable
    inputs: list
    constants: tuple = ()


def tensors(size: Size) -> dict[str, tf.Tensor]:
    """Returns what the network computes on its way, by name, for faces in crops of a size."""
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
    lines, outward = contour_lines(model)
    return {
        "theta": theta, "mean": mean, "basis": basis, "r": r, "t": t, "log_scale": log_scale,
        "alpha": alpha, "shape": shape, "rotation": rotation, "scale": scale, "rotated": rotated,
        "projected": projected, "scaled": scaled, "points": points,
        "landmarks": tf.constant(model.landmark_indices("ibug68")),
        "directions": tf.einsum("lj,bij->bli", outward, rotation[:, :2, :2]),
        "candidates": tf.gather(points, lines, axis=1),
    }  # fmt: skip


def cases(size: Size) -> dict[str, Case]:
    """Returns the operators by name, with inputs of a size, in the order of the network."""
    x = SimpleNamespace(**tensors(size))
    focal_length = tf.fill((size.batch, 1), 4.0 * size.image)
    principal_point = tf.fill((size.batch, 2), (size.image - 1) / 2)
    placed = ops.translation_to_3d(x.t, x.scale, focal_length, principal_point)
    shape = (size.grid, size.grid)
    texture = tf.random.stateless_uniform((size.batch, *shape, 3), (0, 0), maxval=255.0)
    image = tf.random.stateless_uniform((size.batch, size.image, size.image, 3), (0, 1))
    grid, mask = ops.points_to_grid(x.points, shape), ops.self_occlusion_mask(x.rotated, shape)
    listed = [
        case("split_parameters", x.theta),
        case("shape_from_coefficients", x.alpha, constants=(x.mean, x.basis)),
        case("axis_angle_to_matrix", x.r),
        case("rotate_points", x.shape, x.rotation),
        case("project_orthographic", x.rotated),
        case("log_scale_to_scale", x.log_scale),
        case("scale_points", x.projected, x.scale),
        case("translate_points", x.scaled, x.t),
        case("translation_to_3d", x.t, x.scale, focal_length, principal_point),
        case("project_perspective", x.rotated, placed, focal_length, principal_point),
        case("select_points", x.points, constants=(x.landmarks,)),
        case("select_outermost", x.candidates, constants=(x.directions,)),
        case("points_to_grid", x.points, grid_shape=shape),
        case("sample_bilinear", image, grid),
        case("self_occlusion_mask", x.rotated, grid_shape=shape),
        case("mask_texture", texture, constants=(mask,)),
    ]
    return {each.name: each for each in listed}


def case(name: str, *inputs: tf.Tensor, constants: tuple = (), **options) -> Case:
    """Returns an operator of that name, and its plain twin, with inputs and options."""

    def with_options(function):
        return lambda *arguments: function(*arguments, **options)

    ours, theirs = (with_options(getattr(module, name)) for module in (ops, plain))
    return Case(name, ours, theirs, list(inputs), constants)
