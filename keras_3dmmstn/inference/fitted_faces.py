"""The face model fitted to crops: the network's grid generator, compiled for inference."""

import functools
from dataclasses import dataclass

import numpy as np

from keras_3dmmstn.inference.compiled_function import CompiledFunction
from keras_3dmmstn.inference.compiled_models.kept_models import (
    KeptModel,
    cache_folder,
    keep_model,
    read_model,
)
from keras_3dmmstn.inference.compiled_models.model_keys import model_key
from keras_3dmmstn.mesh import GridModel


@dataclass(frozen=True, eq=False)
class FittedFaces:
    """The geometry of n faces given by θ, in pixels of the crops that the network sees.

    Attributes:
        parameters: `(n, 6 + D)` float32 θ.
        vertices: `(n, N, 3)` float32, the faces in their own frame, millimetres.
        rotations: `(n, 3, 3)` float32, their pose.
        points: `(n, N, 2)` float32, the vertices in pixels of the crops.
        seen: `(n, N, 3)` float32, the vertices as they hide one another along z.
        landmark_indices: set name to the vertices `(n, L)` of its landmarks, those of `ibug68` with
            the jaw on the apparent contour.
        confidence: `(n,)` float32 in 0..1, the network's confidence; None if it has none.
        spread: `(n, 68)` float32, how far off it expects each landmark of `ibug68` to be, in √(w·h)
            of their box; None if it has no such output.
    """

    parameters: np.ndarray
    vertices: np.ndarray
    rotations: np.ndarray
    points: np.ndarray
    seen: np.ndarray
    landmark_indices: dict[str, np.ndarray]
    confidence: np.ndarray | None = None
    spread: np.ndarray | None = None

    def __len__(self):
        return len(self.parameters)

    def landmarks(self, name: str) -> np.ndarray:
        """Returns a landmark set, `(n, L, 2)` x, y in pixels of the crops."""
        return np.take_along_axis(self.points, self.landmark_indices[name][..., None], axis=1)


class FaceGeometry:
    """Computes faces and their masks from θ, with the network's own layers.

    Args:
        grid_model: the face model.
        image_size: side of the network's image in pixels.
        visibility, focal_length: as for `spatial_transformer`.
        keep: whether the compiled functions are cached on disk.

    Raises:
        ValueError: if `visibility` is unknown or `focal_length` is not positive.
    """

    def __init__(
        self,
        grid_model: GridModel,
        image_size: int,
        visibility: str,
        focal_length: float | None,
        keep: bool = False,
    ):
        self.grid_model = grid_model
        settings = grid_model, image_size, visibility, focal_length
        keys = _keys(*settings) if keep and cache_folder() else []
        kept = [model for model in map(read_model, keys) if model is not None]
        if keys and len(kept) == len(keys):
            self._generate, self._mask = (CompiledFunction.of(one.model) for one in kept)
            return
        from keras_3dmmstn.inference.compiled_models.geometry_functions import GeometryFunctions

        self._functions = GeometryFunctions(*settings)
        if keys:
            for key, function in zip(keys, (self._generate, self._mask), strict=True):
                keep_model(key, KeptModel(function.model))

    @functools.cached_property
    def _generate(self) -> CompiledFunction:
        """From θ to a `PosedFace`, and the vertices of `ibug68` if its jaw moves with the pose."""
        return self._functions.generate()

    @functools.cached_property
    def _mask(self) -> CompiledFunction:
        """From the vertices as they hide one another, and their rotation, to a mask."""
        return self._functions.mask()

    def __getstate__(self):
        return {"grid_model": self.grid_model, "_generate": self._generate, "_mask": self._mask}

    def fit(
        self,
        parameters: np.ndarray,
        confidence: np.ndarray | None = None,
        spread: np.ndarray | None = None,
    ) -> FittedFaces:
        """Returns the faces of θ `(n, 6 + D)`, with t and log s in pixels of the crops.

        Args:
            parameters: θ.
            confidence, spread: `(n,)` and `(n, 68)`, stored with the faces.
        """
        vertices, rotations, points, seen, *jaw = self._generate(parameters)
        indices = {
            name: np.broadcast_to(index, (len(parameters), len(index)))
            for name, index in self.grid_model.landmarks.items()
        }
        if jaw:
            indices["ibug68"] = jaw[0]
        face = vertices, rotations, points, seen, indices
        return FittedFaces(parameters, *face, confidence, spread)

    def visible(self, faces: FittedFaces) -> np.ndarray:
        """Returns the masks of faces, `(n, H', W')` bool."""
        (mask,) = self._mask(faces.seen, faces.rotations)
        return mask[..., 0] > 0


def _keys(grid_model, image_size, visibility, focal_length):
    """Returns the keys of the two compiled functions."""
    face_model = model_key("face model", **vars(grid_model))
    return [
        model_key("face", face_model=face_model, image_size=image_size, focal_length=focal_length),
        model_key("mask", face_model=face_model, visibility=visibility),
    ]
