"""A fitted face as a textured triangle mesh."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from keras_3dmmstn.inference.meshes.frames import camera_vertices, check_frame, turned, upright
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.expression_units import unit_activations
from keras_3dmmstn.mesh.visibility.ray_casting import grid_normals


@dataclass(frozen=True, eq=False)
class FaceMesh:
    """A face with the axes that mesh programs expect: x right, y up, z to the viewer, millimetres.

    Attributes:
        vertices: `(N, 3)` float32; with `targets`, those of the face without expression.
        normals: `(N, 3)` float32 unit vectors, outward.
        triangles: `(T, 3)` int32 vertex indices, counter-clockwise seen from outside.
        uv: `(N, 2)` float32 texture coordinates, 0 to 1: u to the right, v up.
        texture: `(S, S, 3)` uint8 RGB.
        targets: blend shapes, name to `(N, 3)` float32 displacements at weight 1, millimetres.
        weights: name to the weight of each target in the photograph.
    """

    vertices: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    texture: np.ndarray
    targets: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of_face(
        cls,
        grid_model: GridModel,
        neutral: np.ndarray,
        expression: np.ndarray,
        parameters: Mapping[str, np.ndarray],
        texture: np.ndarray,
        frame: str = "head",
        blend_shapes: bool = False,
    ) -> "FaceMesh":
        """Makes the mesh of a face.

        Args:
            grid_model: the face model, with N vertices.
            neutral: `(N, 3)`, the face without expression, in the head's frame, millimetres.
            expression: `(E,)` coefficients in standard deviations.
            parameters: the pose, as `NormalisedFace` has it.
            texture: `(S, S, 3)` uint8 RGB.
            frame: `"head"` or `"camera"`, see `camera_vertices`.
            blend_shapes: whether the model's expressions become `targets`: its named units at full
                activation, if they span its expression modes, or else these modes at one standard
                deviation. With their `weights` they give `expression`.

        Raises:
            ValueError: if `frame` is unknown.
        """
        check_frame(frame)
        basis = grid_model.basis[grid_model.identity_count :]
        vertices = neutral
        if not blend_shapes:
            vertices = neutral + np.tensordot(expression.astype(np.float32), basis, 1)
        placed, targets, weights = vertices, {}, {}
        if frame == "camera":
            placed = camera_vertices(vertices, parameters)
        if blend_shapes:
            shapes, weights = _blend_shapes(grid_model, expression)
            if frame == "camera":
                shapes = {name: turned(shift, parameters) for name, shift in shapes.items()}
            targets = {name: upright(shift) for name, shift in shapes.items()}
        placed = upright(placed)
        return cls(
            vertices=placed,
            normals=grid_normals(placed, grid_model.grid_shape).astype(np.float32),
            triangles=grid_model.triangles,
            uv=texture_places(grid_model.grid_shape, texture.shape[:2]),
            texture=texture,
            targets=targets,
            weights=weights,
        )


def blend_shape_weights(grid_model: GridModel, expression: np.ndarray) -> dict[str, float]:
    """Returns the weights of the blend shapes for an expression, by name.

    Args:
        grid_model: the face model.
        expression: `(E,)` coefficients in standard deviations.
    """
    activations = unit_activations(grid_model.expression_units, expression)
    if activations is not None:
        return dict(zip(grid_model.expression_units, activations.tolist(), strict=True))
    names = (f"expression {number}" for number in range(len(expression)))
    return dict(zip(names, expression.tolist(), strict=True))


def _blend_shapes(grid_model, expression):
    """Returns blend shapes, name to `(N, 3)`, and their weights."""
    basis, units = grid_model.basis[grid_model.identity_count :], grid_model.expression_units
    weights = blend_shape_weights(grid_model, expression)
    if weights.keys() == units.keys():
        return {name: np.tensordot(unit, basis, 1) for name, unit in units.items()}, weights
    return dict(zip(weights, basis, strict=True)), weights


def texture_places(grid_shape: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """Returns the texture coordinates of a grid's vertices, corners to corners.

    Vertex (i, j) is the centre of pixel (i (S − 1) / (H' − 1), j (S − 1) / (W' − 1)), and the
    centre of pixel (row, column) is u = (column + 1/2) / S, v = 1 − (row + 1/2) / S.

    Args:
        grid_shape: (H', W').
        shape: rows and columns of the texture.

    Returns:
        `(H'·W', 2)` float32 u, v.
    """
    row, column = (
        (np.linspace(0, pixels - 1, count) + 0.5) / pixels
        for pixels, count in zip(shape, grid_shape, strict=True)
    )
    u, v = np.meshgrid(column, 1 - row)
    return np.stack([u, v], axis=-1).reshape(-1, 2).astype(np.float32)
