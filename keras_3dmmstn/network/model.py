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
        landmarks: name of the landmark set of the model that is selected; several joined by "+", as
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
        weights: None for random ones; `"pretrained"` for the bundled weights of the compact
            localiser and the bundled face model; or a `localiser.keras`, or the folder of a run.
        texture_size: side in pixels of the square texture and mask, from 32 to 2,048, sampled
            between the vertices, too; None for one texel for each vertex of the face model. It
            changes neither weights nor geometry.
        framed_by: the landmark set around whose tight box images are framed, 1.7 times as large as
            its larger side; None for `ibug68`, or all vertices of a model without it.
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
            the weights do not fit.

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
    """Builds the network around a localiser; arguments and result as of `spatial_transformer`.

    Args:
        localiser: a `keras.Model` called `localiser` from images to θ, as of `build_localiser`. It
            becomes a layer of the network: its weights are shared, not copied. A `confidence` and a
            `spread` of it, as of `with_confidence` and `with_spread`, are outputs, too.
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
    """Returns the localiser with a backbone, or that of a name."""
    if not isinstance(backbone, str):
        return build_localiser(backbone, grid_model, image_size, framed_by)
    if backbone not in LOCALISERS:
        raise ValueError(
            f"spatial_transformer expects `backbone` among {', '.join(LOCALISERS)} or a "
            f"keras.Model, received {backbone!r}."
        )
    return LOCALISERS[backbone](grid_model, image_size, framed_by)


def _renamed(backbone, localiser):
    """Returns the backbone that came under its former name."""
    if backbone is not None:
        raise TypeError("spatial_transformer() got both `backbone` and its former name `localiser`")
    warnings.warn(
        "spatial_transformer(localiser=...) is now backbone=...; the former name goes in 0.2.",
        DeprecationWarning,
        stacklevel=3,
    )
    return localiser
