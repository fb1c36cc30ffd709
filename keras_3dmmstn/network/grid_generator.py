"""The grid generator, the paper's Figure 2: from θ to the points at which the image is sampled."""

from typing import Any, NamedTuple

import keras

from keras_3dmmstn import layers
from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.network.focal_length import check_focal_length

# Under a mixed policy the geometry stays float32: near 200, neighbouring float16 values are 0.125
# pixels apart.
FLOAT32: dict[str, Any] = {"dtype": "float32"}


class PosedFace(NamedTuple):
    """The face that θ describes; all are tensors.

    Attributes:
        vertices: `(batch, N, 3)` X(α), the face in its own frame, millimetres.
        rotation: `(batch, 3, 3)` R, the rotation of the face.
        points: `(batch, N, 2)` Y'', the projected vertices, pixels of the network's image.
        seen: `(batch, N, 3)`, the vertices as they hide one another along z.
        landmarks: `(batch, L, 2)`, pixels of the image; None if none were requested.
    """

    vertices: Any
    rotation: Any
    points: Any
    seen: Any
    landmarks: Any


def grid_generator(
    parameters: Any,
    grid_model: GridModel,
    image_size: int,
    landmarks: str | None = "ibug68",
    jaw: str = "apparent",
    focal_length: float | None = None,
) -> PosedFace:
    """Appends the layers of the grid generator to a localiser's output.

    Args:
        parameters: `(batch, 6 + D)` symbolic tensor θ = (r, t, log s, α).
        grid_model: the face model.
        image_size: side of the network's image in pixels.
        landmarks: the landmark set, or several joined by "+"; None for no landmarks.
        jaw: as for `spatial_transformer`.
        focal_length: as for `spatial_transformer`.

    Raises:
        ValueError: if the model has no such landmark set, `jaw` is unknown or `focal_length` is
            not positive.

    Source:
        Bas et al. 2017, sec. 2.2 and Figure 2.
    """
    check_focal_length(focal_length)
    r, t, log_s, alpha = layers.SplitParameters(name="split_parameters", **FLOAT32)(parameters)
    vertices = layers.MorphableModel(grid_model, name="morphable_model", **FLOAT32)(alpha)
    rotation = layers.AxisAngleToMatrix(name="axis_angle_to_matrix", **FLOAT32)(r)
    rotated = layers.Rotation3D(name="rotation_3d", **FLOAT32)(vertices, rotation)
    s = layers.LogScaleToScale(name="log_scale_to_scale", **FLOAT32)(log_s)
    if focal_length is None:
        projected = layers.OrthographicProjection(name="orthographic_projection", **FLOAT32)(
            rotated
        )
        scaled = layers.Scale2D(name="scale_2d", **FLOAT32)(projected, s)
        points = layers.Translation2D(name="translation_2d", **FLOAT32)(scaled, t)
        seen = rotated
    else:
        points = _seen_by_a_pinhole(rotated, t, s, focal_length * image_size, image_size)
        # Seen along z, these hide one another as the vertices do in front of the camera.
        join = keras.layers.Concatenate(name="points_with_depth", **FLOAT32)
        seen = join([points, rotated[:, :, 2:]])
    selected = None
    if landmarks is not None:
        selection = landmark_selection(grid_model, landmarks, jaw)
        apparent = isinstance(selection, layers.ApparentLandmarkSelection)
        selected = selection(points, rotation) if apparent else selection(points)
    return PosedFace(vertices, rotation, points, seen, selected)


def landmark_selection(
    grid_model: GridModel, landmarks: str, jaw: str = "apparent"
) -> layers.LandmarkSelection | layers.ApparentLandmarkSelection:
    """Returns the layer that selects the landmarks of a set among projected vertices.

    Args:
        grid_model: the face model.
        landmarks: the landmark set, or several joined by "+".
        jaw: as for `spatial_transformer`.

    Raises:
        ValueError: if the model has no such landmark set, or `jaw` is unknown.
    """
    if jaw not in ("apparent", "fixed"):
        raise ValueError(f'Expected `jaw` "apparent" or "fixed", received {jaw!r}.')
    indices = grid_model.landmark_indices(landmarks)
    if jaw == "apparent" and landmarks.split("+")[0] == "ibug68":
        lines = contour_lines(grid_model)
        return layers.ApparentLandmarkSelection(indices, *lines, name="landmarks", **FLOAT32)
    return layers.LandmarkSelection(indices, name="landmarks", **FLOAT32)


def _seen_by_a_pinhole(rotated, t, s, focal_length, image_size):
    """Projects rotated vertices `(batch, N, 3)` of a face at t with scale s; all in pixels."""
    camera = {"principal_point": ((image_size - 1) / 2,) * 2, "focal_length": focal_length}
    placed = layers.TranslationTo3D(**camera, name="translation_to_3d", **FLOAT32)(t, s)
    project = layers.PerspectiveProjection(**camera, name="perspective_projection", **FLOAT32)
    return project(rotated, placed)
