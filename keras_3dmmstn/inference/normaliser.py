"""Photographs in, normalised faces out."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.inference.camera import Camera, project
from keras_3dmmstn.inference.detection import find_faces
from keras_3dmmstn.inference.photograph import as_photograph, read_photograph, shrunk, warp
from keras_3dmmstn.layers import SelfOcclusionMask
from keras_3dmmstn.mesh import GridModel, contour_lines, occlusion_table
from keras_3dmmstn.network import framing

# A face may reach beyond the photograph, but not be this many times as large.
_LARGEST_BOX = 10


@dataclass(frozen=True, eq=False)
class NormalisedFace:
    """What the network says of one face.

    Attributes:
        texture: `(H', W', 3)` uint8 RGB, the pose-normalised texture, black where `mask` is False.
        mask: `(H', W')` bool: the viewer sees the vertex, and it lies in the photograph.
        vertices: `(H'·W', 3)` float32, the fitted face in its own frame, millimetres: x right,
            y down, z away from the viewer.
        points: `(H'·W', 2)` float32, the vertices in pixels of the photograph.
        parameters: `rotation` (3,) axis-angle in radians, `translation` (2,) in pixels and
            `log_scale` (pixels per millimetre) of the photograph, `identity` and `expression` in
            standard deviations. Of a perspective camera also `focal_length` (1,) and
            `principal_point` (2,), in pixels of the photograph.
        box: `(4,)` x0, y0, x1, y1 in pixels: the box the face was looked for in.
        landmark_indices: set name to the vertices of its landmarks, those of `ibug68` with the
            jaw on the apparent contour.
    """

    texture: np.ndarray
    mask: np.ndarray
    vertices: np.ndarray
    points: np.ndarray
    parameters: dict[str, np.ndarray]
    box: np.ndarray
    landmark_indices: dict[str, np.ndarray]

    def landmarks(self, name: str = "ibug68") -> np.ndarray:
        """Returns a landmark set, `(L, 2)` x, y in pixels of the photograph.

        The jaw points of `ibug68` lie on the contour that the turned face shows, where people
        label them, so they are not the same vertices in every pose.

        Raises:
            KeyError: if the face model has no such set.
        """
        if name not in self.landmark_indices:
            known = ", ".join(map(repr, self.landmark_indices)) or "none"
            raise KeyError(f"Expected one of the landmark sets {known}, received {name!r}.")
        return self.points[self.landmark_indices[name]]

    @property
    def rotation_matrix(self) -> np.ndarray:
        """The pose as a `(3, 3)` rotation that acts on columns."""
        return ops.axis_angle_to_matrix(tf.constant(self.parameters["rotation"])).numpy()


class Normaliser:
    """Normalises the faces of photographs with a trained localiser and its face model.

    Args:
        localiser: a `keras.Model` from square images to θ, as of `build_localiser`.
        grid_model: the face model it was trained with.
        visibility: how the mask is computed, `"depth"`, `"table"` or `"normals"`, see
            `SelfOcclusionMask`. It does not matter what the localiser was trained with.
        focal_length: of the camera that it was trained with, in sides of its input; None for the
            paper's orthographic projection. See `spatial_transformer`.

    Raises:
        ValueError: if the two do not go together, `visibility` is unknown or `focal_length` is
            not positive.
    """

    def __init__(
        self,
        localiser: keras.Model,
        grid_model: GridModel,
        visibility: str = "depth",
        focal_length: float | None = None,
    ):
        expected = (None, 6 + grid_model.modes)
        if localiser.output_shape != expected:
            raise ValueError(
                f"Normaliser expects a localiser with output of shape {expected} for the "
                f"{grid_model.modes} modes of its face model, received one with output of shape "
                f"{localiser.output_shape}."
            )
        self.localiser, self.grid_model = localiser, grid_model
        self.camera = Camera(focal_length)
        table = occlusion_table(grid_model) if visibility == "table" else None
        points = len(grid_model.mean)
        self._is_visible = tf.function(
            SelfOcclusionMask(grid_model.grid_shape, visibility, table, dtype="float32"),
            input_signature=[
                tf.TensorSpec((None, points, 3), tf.float32),
                tf.TensorSpec((None, 3, 3), tf.float32),
            ],
        )
        self._contour = contour_lines(grid_model) if "ibug68" in grid_model.landmarks else None
        self.image_size = localiser.input_shape[1]
        self._predict = tf.function(
            lambda images: localiser(images, training=False),
            input_signature=[tf.TensorSpec((None, *localiser.input_shape[1:]), tf.float32)],
        )

    @classmethod
    def pretrained(cls, visibility: str = "depth") -> "Normaliser":
        """Returns the normaliser with the weights that come with the package."""
        with resources.as_file(resources.files("keras_3dmmstn.assets")) as folder:
            return cls.load(folder, visibility)

    @classmethod
    def load(cls, path: str | Path, visibility: str = "depth") -> "Normaliser":
        """Reads a folder with `localiser.keras` and `face_model.npz`, such as `train` writes.

        A perspective camera is in `camera.json` beside them.

        Raises:
            FileNotFoundError: if one of the two is missing.
            ValueError: if they are damaged or do not go together, or `visibility` is unknown.
        """
        localiser_path, model_path = Path(path) / "localiser.keras", Path(path) / "face_model.npz"
        for file in (localiser_path, model_path):
            if not file.exists():
                raise FileNotFoundError(
                    f"Normaliser.load expects a folder with localiser.keras and face_model.npz, "
                    f"but there is no {file}."
                )
        camera = Camera.load(path)
        localiser, grid_model = _load_localiser(localiser_path), GridModel.load(model_path)
        return cls(localiser, grid_model, visibility, camera.focal_length)

    def save(self, path: str | Path) -> None:
        """Writes the folder that `load` reads."""
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        self.camera.save(path)
        self.grid_model.save(path / "face_model.npz")
        self.localiser.save(path / "localiser.keras")

    def __call__(
        self, image: str | Path | np.ndarray, boxes: np.ndarray | None = None
    ) -> list[NormalisedFace]:
        """Normalises the faces of one photograph.

        Args:
            image: a path, or an RGB uint8 array `(height, width, 3)` of any size.
            boxes: `(n, 4)` x0, y0, x1, y1 in pixels, each the tight box of a face's 68 landmarks;
                None finds the faces with the detector (extra: detect).

        Returns:
            A face for each box, in its order, or for each face found, the largest first.

        Raises:
            FileNotFoundError: if there is no such file.
            TypeError: if `image` is neither a path nor an array of integers.
            ValueError: if the image or a box is none, or a box lies outside the image.
            ImportError: if faces are to be found and the extra is not installed.
        """
        is_path = isinstance(image, (str, Path))
        image = read_photograph(image) if is_path else as_photograph(image)
        if boxes is None:
            boxes = find_faces(image)
            # A detector's box is not quite that of the landmarks: look twice.
            boxes = self._tightened(image, boxes)
        else:
            boxes = checked_boxes(boxes, image)
        if not len(boxes):
            return []
        return self._describe(image, boxes, self.regress(image, boxes))

    def regress(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Returns θ `(n, 6 + D)` for each box, with t and log s in pixels of the photograph."""
        matrices = [framing.crop_matrix(box, self.image_size) for box in boxes]
        crops = np.stack([warp(image, matrix, self.image_size) for matrix in matrices])
        parameters = self._predict(crops.astype(np.float32)).numpy()
        zoom = np.array([matrix[0, 0] for matrix in matrices])
        corner = np.array([matrix[:, 2] for matrix in matrices])
        parameters[:, 3:5] = (parameters[:, 3:5] - corner) / zoom[:, None]
        parameters[:, 5] -= np.log(zoom)
        return parameters

    def _tightened(self, image, boxes):
        """Returns the boxes of the landmarks that are predicted with given boxes."""
        if not len(boxes) or "ibug68" not in self.grid_model.landmarks:
            return boxes
        points, _, _ = self._geometry(self.regress(image, boxes), self._intrinsics(boxes))
        landmarks = points[:, self.grid_model.landmarks["ibug68"]]
        return np.stack([framing.tight_box(face) for face in landmarks])

    def _intrinsics(self, boxes):
        """Returns the perspective camera of each box in pixels of the photograph, if it is one."""
        matrices = np.stack([framing.crop_matrix(box, self.image_size) for box in boxes])
        return self.camera.intrinsics(matrices, self.image_size)

    def _geometry(self, parameters, intrinsics):
        """Returns points `(n, N, 2)`, vertices `(n, N, 3)` and visibility `(n, H', W')` for θ."""
        parameters = tf.constant(parameters)
        r, _, _, alpha = ops.split_parameters(parameters)
        mean, basis = tf.constant(self.grid_model.mean), tf.constant(self.grid_model.basis)
        vertices = ops.shape_from_coefficients(alpha, mean, basis)
        rotation = ops.axis_angle_to_matrix(r)
        rotated = ops.rotate_points(vertices, rotation)
        points = project(rotated, parameters, **intrinsics)
        seen = rotated
        if intrinsics:
            # As in the network: what it projects, in pixels of its input, and the depth.
            zoom = self.camera.focal_length * self.image_size / intrinsics["focal_length"]
            seen = tf.concat([zoom[..., None] * points, rotated[..., 2:]], axis=-1)
        visible = self._is_visible(seen, rotation)
        return points.numpy(), vertices.numpy(), visible.numpy()[..., 0] > 0

    def _describe(self, image, boxes, parameters):
        """Returns the faces with parameters θ `(n, 6 + D)`."""
        identity = slice(6, 6 + self.grid_model.identity_count)
        camera = self._intrinsics(boxes)
        faces = []
        for number, (theta, box, points, vertices, visible) in enumerate(
            zip(parameters, boxes, *self._geometry(parameters, camera), strict=True)
        ):
            grid = points.reshape(*self.grid_model.grid_shape, 2)
            last = np.array(image.shape[1::-1]) - 1
            mask = visible & ((grid >= 0) & (grid <= last)).all(axis=-1)
            texture = sample_photograph(image, grid)
            faces.append(
                NormalisedFace(
                    texture=texture * mask[..., None].astype(np.uint8),
                    mask=mask,
                    vertices=vertices,
                    points=points,
                    parameters={
                        "rotation": theta[:3],
                        "translation": theta[3:5],
                        "log_scale": theta[5],
                        "identity": theta[identity],
                        "expression": theta[identity.stop :],
                        **{name: values[number] for name, values in camera.items()},
                    },
                    box=np.asarray(box, float),
                    landmark_indices=self._landmark_indices(theta, points),
                )
            )
        return faces

    def _landmark_indices(self, theta, points):
        """Returns the vertices of the landmarks of a face with parameters θ and `(N, 2)` points."""
        landmarks = dict(self.grid_model.landmarks)
        if self._contour is not None:
            lines, directions = self._contour
            rotation = ops.axis_angle_to_matrix(tf.constant(theta[:3])).numpy()
            chosen = ops.outermost(points[lines], directions @ rotation[:2, :2].T).numpy()
            jaw = np.take_along_axis(lines, chosen[:, None], axis=1)[:, 0]
            landmarks["ibug68"] = np.concatenate([jaw, landmarks["ibug68"][len(jaw) :]])
        return landmarks


def _load_localiser(path):
    """Reads a localiser; a damaged file raises almost anything, and becomes a ValueError."""
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:200]
        raise ValueError(
            f"{path}: expected a localiser that Keras saved, received a file that does not load "
            f"({type(error).__name__}: {reason}). Layers of your own have to be registered and "
            "imported first."
        ) from error


def sample_photograph(image: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Samples a photograph at a grid of points, averaging where the grid is the coarser one.

    Args:
        image: `(height, width, 3)` uint8.
        grid: `(H', W', 2)` x, y in pixels.

    Returns:
        `(H', W', 3)` uint8.
    """
    spacing = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1) for axis in (0, 1)]
    shrink = int(max(np.median(spacing[0]), np.median(spacing[1])))
    matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if shrink > 1:
        image, to_large = shrunk(image, matrix, shrink)
        grid = framing.apply_similarity(framing.invert_similarity(to_large), grid)
    low = np.clip(np.floor(grid.min(axis=(0, 1))).astype(int) - 1, 0, None)
    high = np.ceil(grid.max(axis=(0, 1))).astype(int) + 2
    part = image[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
    if not part.size:
        return np.zeros((*grid.shape[:2], image.shape[2]), np.uint8)
    samples = ops.sample_bilinear(
        tf.constant(part[None], tf.float32), tf.constant(grid[None] - low, tf.float32)
    )
    return np.round(samples.numpy()[0]).astype(np.uint8)


def checked_boxes(boxes: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Returns boxes as `(n, 4)` floats, or raises a ValueError that says what is wrong."""
    try:
        boxes = np.asarray(boxes, float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected boxes of shape (n, 4), received {boxes!r}.") from error
    if boxes.size == 0:
        return boxes.reshape(0, 4)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"Expected boxes of shape (n, 4), received shape {boxes.shape}.")
    height, width = image.shape[:2]
    for box in boxes:
        x0, y0, x1, y1 = box
        if not np.isfinite(box).all() or x1 <= x0 or y1 <= y0:
            raise ValueError(f"Expected a box x0 < x1, y0 < y1, received {box.tolist()}.")
        if x1 <= 0 or y1 <= 0 or x0 >= width - 1 or y0 >= height - 1:
            raise ValueError(
                f"Expected a box in the image of {width} x {height} pixels, received "
                f"{box.tolist()}, which lies outside."
            )
        if max(x1 - x0, y1 - y0) > _LARGEST_BOX * max(width, height):
            raise ValueError(
                f"Expected a box of about the face in an image of {width} x {height} pixels, "
                f"received {box.tolist()}, which is more than {_LARGEST_BOX} times as large."
            )
    return boxes
