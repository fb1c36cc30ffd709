"""The 3DMM-STN, the paper's Figure 1: localiser, grid generator and sampler."""

import warnings
from pathlib import Path

import keras

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.checked_levels import LevelCheckedModel
from keras_3dmmstn.network.grid_generator import grid_generator
from keras_3dmmstn.network.localiser import build_localiser
from keras_3dmmstn.network.localiser_answers import Answers
from keras_3dmmstn.network.pretrained import load_weights
from keras_3dmmstn.network.residual_localisers import LOCALISERS
from keras_3dmmstn.network.sampler import sampler


def spatial_transformer(
    grid_model: GridModel,
    backbone: keras.Model | str | None = None,
    image_size: int = 224,
    landmarks: str = "ibug68",
    jaw: str = "apparent",
    focal_length: float | None = None,
    visibility: str = "depth",
    weights: str | Path | None = None,
    *,
    texture_size: int | None = None,
    framed_by: str | None = None,
    localiser: keras.Model | None = None,
) -> keras.Model:
    """Builds the network that normalises faces with a 3D morphable model.

    Args:
        grid_model: a `GridModel`, such as `GridModel.bundled()`.
        backbone: a `keras.Model` from images to features, which `build_localiser` completes;
            `"compact"` or `"base"` for `compact_localiser` or `base_localiser`; None for compact.
        image_size: side of the input in pixels.
        landmarks: name of the landmark set to select; several can be joined by "+", as in
            `"ibug68+aflw21"`, and are concatenated.
        jaw: `"apparent"` for jaw points of `ibug68` on the visible contour of the turned face,
            where people label them; `"fixed"` for the same vertices in every pose, as in the
            paper.
        focal_length: None for the paper's scaled orthographic projection; a number for a
            perspective camera with this focal length, in sides of the image, whose optical axis
            meets the image in its middle. The meaning of θ does not change: t and exp(log s) are
            position and scale of the face's origin in the image. See `docs/perspective.md`.
        visibility: how the mask is computed: `"normals"` as in the paper; `"depth"` or `"table"`
            also hide parts of the face behind other parts, see `SelfOcclusionMask`.
        weights: None for random ones; `"pretrained"` for the bundled weights of the compact
            localiser and the bundled face model; or a `localiser.keras`, or the folder of a run.
        texture_size: side in pixels of the square texture and mask, from 32 to 2,048, which are
            then also sampled between the vertices; None for one texel per vertex of the face model.
            It changes neither weights nor geometry.
        framed_by: the landmark set whose tight box frames the images, which are 1.7 times as large
            as its larger side; None for `ibug68`, or all vertices of a model without it.
        localiser: the former name of `backbone`.

    Returns:
        A functional `keras.Model` from `image` `(batch, image_size, image_size, 3)`, RGB in
        0..255, to a dict of

        - `parameters` `(batch, 6 + D)`: θ = (r, t, log s, α);
        - `landmarks` `(batch, L, 2)`: x, y in pixels of the image;
        - `texture` `(batch, H', W', 3)`: the masked, pose-normalised texture;
        - `mask` `(batch, H', W', 1)`: 1 where the face is visible.

        With a `texture_size` S the last two are `(batch, S, S, 3)` and `(batch, S, S, 1)`.

    Raises:
        FileNotFoundError: if there is no such file of weights.
        ValueError: if the model has no such landmark set, `jaw` or `visibility` is unknown,
            `focal_length` is not positive, `texture_size` is out of its range, or the backbone or
            the weights do not match.

    Source:
        Bas et al. 2017, Figures 1 and 2.
    """
    if localiser is not None:
        backbone = _renamed(backbone, localiser)
    if weights == "pretrained" and backbone not in (None, "compact"):
        raise ValueError(
            'spatial_transformer expects `weights` "pretrained" with the compact localiser, '
            "received a `backbone`, too."
        )
    regressor = _regressor(backbone or "compact", grid_model, image_size, framed_by)
    options = (landmarks, jaw, focal_length, visibility, texture_size)
    network = connect(regressor, grid_model, *options)
    if weights is not None:
        load_weights(regressor, weights, grid_model)
    return network


def connect(
    localiser: keras.Model,
    grid_model: GridModel,
    landmarks: str = "ibug68",
    jaw: str = "apparent",
    focal_length: float | None = None,
    visibility: str = "depth",
    texture_size: int | None = None,
) -> keras.Model:
    """Builds the network around a localiser; arguments and result as for `spatial_transformer`.

    Args:
        localiser: a `keras.Model` named `localiser` from images to θ, as from `build_localiser`. It
            becomes a layer of the network: its weights are shared, not copied. If it has a
            `confidence` and a `spread`, as from `with_confidence` and `with_spread`, the network
            outputs them too.
    """
    image_size = localiser.input_shape[1]
    image = keras.Input((image_size, image_size, 3), name="image")
    parameters, *_ = answers = Answers.of(localiser(image))
    face = grid_generator(parameters, grid_model, image_size, landmarks, jaw, focal_length)
    texture, mask = sampler(image, face, grid_model, visibility, texture_size)
    seen = {"landmarks": face.landmarks, "texture": texture, "mask": mask}
    outputs = {"parameters": parameters, **seen, **answers.named()}
    return LevelCheckedModel(image, outputs, name="spatial_transformer")


def _regressor(backbone, grid_model, image_size, framed_by):
    """Returns the localiser with a given backbone, or the localiser of a given name."""
    if not isinstance(backbone, str):
        return build_localiser(backbone, grid_model, image_size, framed_by)
    if backbone not in LOCALISERS:
        raise ValueError(
            f"spatial_transformer expects `backbone` among {', '.join(LOCALISERS)} or a "
            f"keras.Model, received {backbone!r}."
        )
    return LOCALISERS[backbone](grid_model, image_size, framed_by)


def _renamed(backbone, localiser):
    """Returns the backbone, which may have been passed under its former name."""
    if backbone is not None:
        raise TypeError("spatial_transformer() got both `backbone` and its former name `localiser`")
    warnings.warn(
        "spatial_transformer(localiser=...) is now backbone=...; the former name goes in 0.2.",
        DeprecationWarning,
        stacklevel=3,
    )
    return localiser
