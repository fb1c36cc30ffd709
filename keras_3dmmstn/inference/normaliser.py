"""Photographs in, normalised faces out."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.boxes import checked_boxes
from keras_3dmmstn.inference.camera import Camera
from keras_3dmmstn.inference.detection import FaceDetector
from keras_3dmmstn.inference.fitted_faces import FaceGeometry, FittedFaces
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.photograph import as_photograph, read_photograph, warp
from keras_3dmmstn.inference.texture import face_texture, inside
from keras_3dmmstn.inference.view.filling import check_fill
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.finer_grid import texture_shape
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.pretrained import FACE_MODEL_FILE, LOCALISER_FILE, load_localiser

# No vertex is so many pixels of the crop away unless the localiser's numbers are nonsense.
_FURTHEST = 1e7


class Normaliser:
    """Normalises the faces of photographs with a trained localiser and its face model.

    Args:
        localiser: a `keras.Model` from square images to θ, as of `build_localiser`; or any callable
            that does the same and has `input_shape` and `output_shape`.
        grid_model: the face model it was trained with.
        visibility: how the mask is computed, `"depth"`, `"table"` or `"normals"`, see
            `SelfOcclusionMask`. It does not matter what the localiser was trained with.
        focal_length: of the camera that it was trained with, in sides of its input; None for the
            paper's orthographic projection. See `spatial_transformer`.
        texture_size: side in pixels of the square textures and masks, from 32 to 2,048; None for
            one texel for each vertex of the face model. Larger ones keep more of a photograph's
            detail: they are sampled between the vertices, too.
        fill: None for textures that are black where the face is hidden; `"mirror"` takes what is
            hidden from the other side, see `fill_hidden`. Masks say what is seen all the same.
        detector: finds the faces; any object with `find(image) -> FoundFaces`. None for a
            `FaceDetector()`.

    Attributes:
        image_size: side in pixels of the square images that the localiser sees.
        camera: its `Camera`.

    Raises:
        ValueError: if the two do not go together, `visibility` is unknown, `focal_length` is
            not positive, `texture_size` is not a whole number in its range or `fill` is unknown.
    """

    def __init__(
        self,
        localiser: keras.Model,
        grid_model: GridModel,
        visibility: str = "depth",
        focal_length: float | None = None,
        texture_size: int | None = None,
        fill: str | None = None,
        detector: FaceDetector | None = None,
    ):
        expected = (None, 6 + grid_model.modes)
        if localiser.output_shape != expected:
            raise ValueError(
                f"Normaliser expects a localiser with output of shape {expected} for the "
                f"{grid_model.modes} modes of its face model, received one with output of shape "
                f"{localiser.output_shape}."
            )
        self.localiser, self.grid_model, self.visibility = localiser, grid_model, visibility
        self.camera = Camera(focal_length)
        texture_shape(texture_size, grid_model.grid_shape)
        check_fill(fill)
        self.texture_size, self.fill = texture_size, fill
        self.image_size = localiser.input_shape[1]
        self.detector = FaceDetector() if detector is None else detector
        self._geometry = FaceGeometry(grid_model, self.image_size, visibility, focal_length)
        self._localise = _compiled(localiser)

    @classmethod
    def pretrained(
        cls,
        visibility: str = "depth",
        texture_size: int | None = None,
        fill: str | None = None,
    ) -> "Normaliser":
        """Returns the normaliser with the weights that come with the package."""
        with resources.as_file(resources.files("keras_3dmmstn.assets")) as folder:
            return cls.load(folder, visibility, texture_size, fill)

    @classmethod
    def load(
        cls,
        path: str | Path,
        visibility: str = "depth",
        texture_size: int | None = None,
        fill: str | None = None,
    ) -> "Normaliser":
        """Reads a folder with `localiser.keras` and `face_model.npz`, such as `train` writes.

        A perspective camera is in `camera.json` beside them.

        Raises:
            FileNotFoundError: if one of the two is missing.
            ValueError: if they are damaged or do not go together, or `visibility`, `texture_size`
                or `fill` is none that there is.
        """
        localiser_path, model_path = Path(path) / LOCALISER_FILE, Path(path) / FACE_MODEL_FILE
        for file in (localiser_path, model_path):
            if not file.exists():
                raise FileNotFoundError(
                    f"Normaliser.load expects a folder with {LOCALISER_FILE} and "
                    f"{FACE_MODEL_FILE}, but there is no {file}."
                )
        camera = Camera.load(path)
        localiser, grid_model = load_localiser(localiser_path), GridModel.load(model_path)
        return cls(localiser, grid_model, visibility, camera.focal_length, texture_size, fill)

    def save(self, path: str | Path) -> None:
        """Writes the folder that `load` reads."""
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        self.camera.save(path)
        self.grid_model.save(path / FACE_MODEL_FILE)
        self.localiser.save(path / LOCALISER_FILE)

    def __call__(
        self, image: str | Path | np.ndarray, boxes: np.ndarray | Sequence | None = None
    ) -> list[NormalisedFace]:
        """Normalises the faces of one photograph.

        Args:
            image: a path, or an RGB uint8 array `(height, width, 3)` of any size.
            boxes: `(n, 4)` x0, y0, x1, y1 in pixels, each the tight box of a face's 68 landmarks;
                None finds the faces with the detector.

        Returns:
            A face for each box, in its order, or for each face found, the largest first.

        Raises:
            FileNotFoundError: if there is no such file.
            TypeError: if `image` is neither a path nor an array of integers.
            ValueError: if the image or a box is none, a box lies outside the image, or the
                localiser's numbers describe no face.
        """
        image = read_photograph(image) if isinstance(image, (str, Path)) else as_photograph(image)
        found = self._found(image) if boxes is None else checked_boxes(boxes, image)
        if not len(found):
            return []
        matrices = framing.crop_matrices(found, self.image_size)
        fitted = self._fit_photograph(image, matrices)
        return self._describe(image, found, matrices, fitted)

    def fit(self, crops: np.ndarray) -> FittedFaces:
        """Fits the face model to crops.

        Args:
            crops: `(n, image_size, image_size, 3)`, RGB in 0..255, as the network sees faces: see
                `keras_3dmmstn.network.framing`.

        Returns:
            The faces, in pixels of the crops.
        """
        parameters = np.asarray(self._localise(np.asarray(crops, np.float32)))
        return self._geometry.fit(parameters)

    def regress(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Returns θ `(n, 6 + D)` for each box, with t and log s in pixels of the photograph."""
        matrices = framing.crop_matrices(boxes, self.image_size)
        fitted = self._fit_photograph(image, matrices)
        return framing.parameters_in_photograph(fitted.parameters, matrices)

    def _fit_photograph(self, image, matrices):
        """Fits the face model to the squares that matrices `(n, 2, 3)` cut out of a photograph."""
        return self.fit(np.stack([warp(image, matrix, self.image_size) for matrix in matrices]))

    def _found(self, image):
        """Returns the boxes of the faces that the detector finds, as the landmarks have them.

        A detector's box is not quite that of the landmarks: the network looks twice.
        """
        boxes = self.detector.find(image).boxes
        if not len(boxes) or "ibug68" not in self.grid_model.landmarks:
            return boxes
        matrices = framing.crop_matrices(boxes, self.image_size)
        points = self._fit_photograph(image, matrices).points
        _check_fitted(points)
        landmarks = points[:, self.grid_model.landmarks["ibug68"]]
        in_photograph = framing.points_in_photograph(landmarks, matrices)
        return np.stack([framing.tight_box(face) for face in in_photograph])

    def _describe(self, image, boxes, matrices, fitted):
        """Returns the faces of a photograph, fitted in crops by matrices `(n, 2, 3)`."""
        _check_fitted(fitted.points)
        identity = slice(6, 6 + self.grid_model.identity_count)
        thetas = framing.parameters_in_photograph(fitted.parameters, matrices)
        points = framing.points_in_photograph(fitted.points, matrices).astype(np.float32)
        visible = self._geometry.visible(fitted)
        camera = self.camera.intrinsics(matrices, self.image_size)
        faces = []
        for number, (theta, box) in enumerate(zip(thetas, boxes, strict=True)):
            grid = points[number].reshape(*self.grid_model.grid_shape, 2)
            texture, mask = face_texture(image, grid, visible[number], self.texture_size)
            faces.append(
                NormalisedFace(
                    texture=texture,
                    mask=mask,
                    vertices=fitted.vertices[number],
                    points=points[number],
                    visible=(visible[number] & inside(image, grid)).ravel(),
                    grid_shape=self.grid_model.grid_shape,
                    parameters={
                        "rotation": theta[:3],
                        "translation": theta[3:5],
                        "log_scale": theta[5],
                        "identity": theta[identity],
                        "expression": theta[identity.stop :],
                        **{name: values[number] for name, values in camera.items()},
                    },
                    box=np.asarray(box, float),
                    landmark_indices={
                        name: indices[number] for name, indices in fitted.landmark_indices.items()
                    },
                    photograph=PhotographPart.around(image, points[number]),
                    grid_model=self.grid_model,
                )
            )
        if self.fill is None:
            return faces
        return [replace(face, texture=face.filled_texture(self.fill)) for face in faces]


def _check_fitted(points):
    """Raises a ValueError if fitted faces, `(n, N, 2)` in pixels of crops, are far beyond them."""
    if not (np.abs(points) < _FURTHEST).all():
        raise ValueError(
            "Expected weights that find a face, but theirs is not finite or larger than any "
            "photograph: the training may have diverged."
        )


def _compiled(localiser):
    """Returns a function from images `(n, size, size, 3)` float32 to θ."""
    if not isinstance(localiser, keras.Model):
        return localiser
    return tf.function(
        lambda images: localiser(images, training=False),
        input_signature=[tf.TensorSpec((None, *localiser.input_shape[1:]), tf.float32)],
    )
