"""One face from several photographs of a person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from keras_3dmmstn.inference.fusion.blending import blend_textures
from keras_3dmmstn.inference.fusion.sharpness import gradient_energy
from keras_3dmmstn.inference.fusion.texture_weights import texture_weights
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.view.opacity import opacity
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.mesh.finer_grid import interpolate_grid

# Weight of a place so near the outline that it may be background, if no other photograph shows it
# better.
_DOUBTFUL = 0.01
# Faces with less confidence are used only if there are no others.
_LEAST_CONFIDENCE = 0.5


@dataclass(frozen=True, eq=False)
class FusedFace(NormalisedFace):
    """The face of a person, from several photographs.

    It is a `NormalisedFace` that looks straight at the viewer, with all its methods: `front_view`,
    `mesh`, `textured_mesh`. Its photograph is its own texture, so that `points` and `landmarks` are
    in texels.

    Attributes:
        shares: `(n,)`, how much each photograph contributes to the texture; they sum to 1, and are
            0 for photographs left out.
    """

    shares: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def _photographed(self):
        seen = super()._photographed()
        known = interpolate_grid(self.mask[..., None].astype(np.float32), self.grid_shape)[..., 0]
        soft = cv2.erode(known, np.ones((3, 3)), borderValue=1.0)
        return replace(seen, shown=cv2.blur(soft, (3, 3), borderType=cv2.BORDER_REPLICATE))


def fuse(faces: Iterable[NormalisedFace], texture_size: int = 512) -> FusedFace:
    """Makes one face from several photographs of a person.

    Shape: the mean of the identity and expression coefficients, weighted by the confidence.

    Texture: at each place a weighted mean, robust against outliers, of textures whose light is
    evened out and which are slightly aligned, see `mean_texture`. The weights are

        w = M · cos² φ · |∂Y / ∂(u, v)| · o · s² · c

    with the mask M, the angle φ to the viewer and the texel's area in the photograph
    (`texture_weights`); the opacity o, which is low near the outline; the sharpness s, the
    gradient energy over the variance (`gradient_energy`), so that a blurred photograph counts
    little; and the confidence c. Nothing checks that all photographs show one person.

    Args:
        faces: of one person and one face model, with `photograph`, as a `Normaliser` returns them.
        texture_size: side of the texture in pixels, 32 to 2,048.

    Raises:
        TypeError: if `faces` are not faces.
        ValueError: if there is no face, one has no photograph, or their face models differ.
    """
    people = _checked(faces)
    sampled = [face.resampled(texture_size) for face in people]
    sure = _confidences(people)
    views = [_view(face) for face in sampled]
    trusted = np.stack([trust for trust, *_ in views])
    weights = np.stack([w * c for (_, w, _), c in zip(views, sure, strict=True)])
    reference = int(np.argmax([frontal * c for (*_, frontal), c in zip(views, sure, strict=True)]))
    texture, mask = blend_textures([f.texture for f in sampled], weights, trusted, reference)
    shares = weights.sum(axis=(1, 2))
    return _face(people[0], texture, mask, _mean_shape(people, sure), shares)


def _view(face):
    """Returns a texture's trust, its weights without the confidence, and its worth as a reference.

    All but the last are `(S, S)` float32. The worth is how much of the face the texture shows well.
    """
    shown = interpolate_grid(opacity(face._photographed())[..., None], face.mask.shape)[..., 0]
    trusted = shown * face.mask
    surface = interpolate_grid(face.vertices.reshape(*face.grid_shape, 3), face.mask.shape)
    inner = trusted > 0.9
    sharp = 0.0
    if inner.any():
        sharp = np.sqrt(gradient_energy(face.texture, inner, surface).relative_energy)
    weights = texture_weights(face)
    return trusted, weights * (shown + _DOUBTFUL) * np.float32(sharp + 1e-6), trusted.mean()


def _confidences(faces):
    """Returns the confidence of each face, `(n,)`; 0 for doubtful ones if there are better ones."""
    sure = np.array([1.0 if face.confidence is None else face.confidence for face in faces])
    return np.where((sure >= _LEAST_CONFIDENCE) | (sure.max() < _LEAST_CONFIDENCE), sure, 0.0)


def _mean_shape(faces, weights):
    """Returns the weighted means of the identity and the expression coefficients."""
    if not weights.any():
        weights = np.ones(len(faces))
    return [
        np.average([face.parameters[name] for face in faces], axis=0, weights=weights)
        for name in ("identity", "expression")
    ]


def _face(like, texture, mask, shape, shares):
    """Returns the fused face.

    Args:
        like: a face of the same face model.
        texture, mask: `(S, S, 3)` and `(S, S)`.
        shape: coefficients of identity and expression.
        shares: `(n,)`.
    """
    model, size = like.grid_model, len(texture)
    rows, columns = like.grid_shape
    x, y = np.meshgrid(*(np.linspace(0, size - 1, count) for count in (columns, rows)))
    vertices = model.mean + np.tensordot(np.concatenate(shape), model.basis, 1)
    known = interpolate_grid(mask[..., None].astype(np.float32), like.grid_shape)[..., 0]
    flat = vertices.reshape(rows, columns, 3)
    cells = np.cross(np.diff(flat, axis=1)[:-1], np.diff(flat, axis=0)[:, :-1])
    millimetres = np.sqrt(np.linalg.norm(cells, axis=-1).sum())
    parameters = {
        "rotation": np.zeros(3, np.float32),
        "translation": np.full(2, (size - 1) / 2, np.float32),
        # Texels per millimetre on average.
        "log_scale": np.float32(np.log(size / millimetres)),
        "identity": shape[0].astype(np.float32),
        "expression": shape[1].astype(np.float32),
    }
    return FusedFace(
        texture=texture,
        mask=mask,
        vertices=vertices.astype(np.float32),
        points=np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32),
        visible=(known >= 0.5).ravel(),
        grid_shape=like.grid_shape,
        parameters=parameters,
        box=np.array([0.0, 0.0, size - 1.0, size - 1.0]),
        landmark_indices=dict(model.landmarks),
        photograph=PhotographPart(texture, np.zeros(2, int)),
        grid_model=model,
        shares=shares / max(float(shares.sum()), 1e-12),
    )


def _checked(faces):
    """Returns faces as a list, or raises a TypeError or a ValueError."""
    if not isinstance(faces, Iterable) or isinstance(faces, str | Mapping):
        raise TypeError(f"Expected a list of faces to fuse, received {type(faces).__name__}.")
    faces = list(faces)
    if not faces:
        raise ValueError("Expected at least one face to fuse, received none.")
    for number, face in enumerate(faces):
        if not isinstance(face, NormalisedFace):
            hint = ": a photograph's faces are a list, take one of them" * isinstance(face, list)
            raise TypeError(
                f"Expected a list of NormalisedFace, but face {number} is a "
                f"{type(face).__name__}{hint}."
            )
        if face.photograph is None or face.grid_model is None:
            raise ValueError(f"Expected faces as a Normaliser makes them, but face {number} has no "
                             "`photograph` or no `grid_model`.")  # fmt: skip
        if face.grid_model is not faces[0].grid_model and not _same(face, faces[0]):
            raise ValueError(
                f"Expected faces of one face model, received {faces[0].grid_model.name!r} and "
                f"{face.grid_model.name!r}."
            )
    return faces


def _same(face, other):
    """Returns whether two faces have equal face models."""
    one, two = face.grid_model, other.grid_model
    return one.basis.shape == two.basis.shape and np.array_equal(one.mean, two.mean)
