"""The 3DMM-STN: the paper's Figure 1, with the grid generator of its Figure 2."""

import math

import keras

from keras_3dmmstn import layers
from keras_3dmmstn.mesh import contour_lines, occlusion_table
from keras_3dmmstn.network.localiser import build_localiser, compact_localiser


def spatial_transformer(
    grid_model,
    localiser=None,
    image_size=224,
    landmarks="ibug68",
    jaw="apparent",
    focal_length=None,
    visibility="normals",
):
    """Builds the network that normalises faces with a 3D morphable model.

    Args:
        grid_model: a `GridModel`, such as `GridModel.bundled()`.
        localiser: the backbone of the localiser, a `keras.Model` from images to features (see
            `keras_3dmmstn.build_localiser`); None for the compact default.
        image_size: side of the input in pixels.
        landmarks: name of the model's landmark set that is selected; several joined by "+", as
            in `"ibug68+aflw21"`, follow one another.
        jaw: `"apparent"` for the jaw points of `ibug68` on the contour that the turned face
            shows, where people label them; `"fixed"` for the same vertices in every pose, as in
            the paper.
        focal_length: None for the paper's scaled orthographic projection; a number for a
            perspective camera with this focal length, in sides of the image, whose optical axis
            meets the image in its middle. θ stays what it is: t and exp(log s) are the place and
            scale of the face's origin in the image. See `docs/perspective.md`.
        visibility: how the mask is computed: `"normals"` as in the paper; `"depth"` or `"table"`
            also for what one part of the face hides of another, see `SelfOcclusionMask`.

    Returns:
        A functional `keras.Model` from `image` `(batch, image_size, image_size, 3)`, RGB in
        0..255, to a dict of

        - `parameters` `(batch, 6 + D)`: θ = (r, t, log s, α);
        - `landmarks` `(batch, L, 2)`: x, y in pixels of the image;
        - `texture` `(batch, H', W', 3)`: the masked, pose-normalised texture;
        - `mask` `(batch, H', W', 1)`: 1 where the face is visible.

    Raises:
        ValueError: if the model has no such landmark set, `jaw` or `visibility` is unknown,
            `focal_length` is not positive or the backbone does not fit.

    Source:
        Bas et al. 2017, Figures 1 and 2.
    """
    if jaw not in ("apparent", "fixed"):
        raise ValueError(
            f'spatial_transformer expects `jaw` "apparent" or "fixed", received {jaw!r}.'
        )
    if focal_length is not None and not 0 < focal_length < math.inf:
        raise ValueError(
            "spatial_transformer expects `focal_length` None or a positive number of image sides, "
            f"received {focal_length!r}."
        )
    landmark_indices = grid_model.landmark_indices(landmarks)
    image = keras.Input((image_size, image_size, 3), name="image")

    # Localiser: theta = (r, t, log s, alpha)
    if localiser is None:
        localiser = compact_localiser(grid_model, image_size)
    else:
        localiser = build_localiser(localiser, grid_model, image_size)
    parameters = localiser(image)

    # Grid generator (Figure 2). Under a mixed policy it stays float32: the float16 next to pixel
    # 200 is 0.125 pixels away.
    precise = {"dtype": "float32"}
    r, t, log_s, alpha = layers.SplitParameters(**precise)(parameters)
    shape = layers.MorphableModel(grid_model, name="morphable_model", **precise)(alpha)
    rotation = layers.AxisAngleToMatrix(**precise)(r)
    rotated = layers.Rotation3D(**precise)(shape, rotation)
    s = layers.LogScaleToScale(**precise)(log_s)
    if focal_length is None:
        projected = layers.OrthographicProjection(**precise)(rotated)
        points = layers.Translation2D(**precise)(layers.Scale2D(**precise)(projected, s), t)
        seen = rotated
    else:
        points = _seen_by_a_pinhole(rotated, t, s, focal_length * image_size, image_size)
        # Seen along z, these hide each other as the vertices do before the camera.
        seen = keras.layers.Concatenate(**precise)([points, rotated[:, :, 2:]])

    # Sampler, with self-occlusion
    grid = layers.ResampledGrid(grid_model.grid_shape, **precise)(points)
    sampled = layers.BilinearSampler(**precise)(image, grid)
    table = occlusion_table(grid_model) if visibility == "table" else None
    mask = layers.SelfOcclusionMask(
        grid_model.grid_shape, visibility, table, name="mask", **precise
    )(seen, rotation)
    texture = layers.VisibilityMasking(name="texture", **precise)(sampled, mask)

    if jaw == "apparent" and landmarks.startswith("ibug68"):
        selected = layers.ApparentLandmarkSelection(
            landmark_indices, *contour_lines(grid_model), name="landmarks", **precise
        )(points, rotation)
    else:
        selected = layers.LandmarkSelection(landmark_indices, name="landmarks", **precise)(points)
    outputs = {
        "parameters": parameters,
        "landmarks": selected,
        "texture": texture,
        "mask": mask,
    }
    return keras.Model(image, outputs, name="spatial_transformer")


def _seen_by_a_pinhole(rotated, t, s, focal_length, image_size):
    """Projects rotated vertices `(batch, N, 3)` that appear at t with scale s; all in pixels."""
    camera = {"principal_point": ((image_size - 1) / 2,) * 2, "focal_length": focal_length}
    placed = layers.TranslationTo3D(**camera, dtype="float32")(t, s)
    return layers.PerspectiveProjection(**camera, dtype="float32")(rotated, placed)
