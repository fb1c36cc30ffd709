"""Photographs in, normalised faces out."""

import functools
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination, write_atomically
from keras_3dmmstn.inference.boxes import checked_boxes, checked_rolls
from keras_3dmmstn.inference.camera import Camera
from keras_3dmmstn.inference.compiled_localiser import CompiledLocaliser
from keras_3dmmstn.inference.compiled_models.saved_localiser import SavedLocaliser
from keras_3dmmstn.inference.description import FaceDescriber
from keras_3dmmstn.inference.detection import Detector, FaceDetector
from keras_3dmmstn.inference.face_fitter import FaceFitter
from keras_3dmmstn.inference.fitted_faces import FaceGeometry, FittedFaces
from keras_3dmmstn.inference.given_photographs import (
    Boxes,
    Photograph,
    as_pixels,
    checked_crops,
    checked_workers,
    together,
    unchangeable,
)
from keras_3dmmstn.inference.landmark_geometry import LandmarkGeometry
from keras_3dmmstn.inference.localiser_checks import check_input, check_looks, check_weights
from keras_3dmmstn.inference.looking import (
    FacesInPhotographs,
    all_faces,
    with_surer_rolls,
)
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.normalised_photograph import NormalisedPhotograph
from keras_3dmmstn.inference.photograph import as_photograph
from keras_3dmmstn.inference.photograph_log import log_failed, log_found, log_normalised
from keras_3dmmstn.inference.preset import (
    CARD_FILE,
    CONFIG_FILE,
    PresetConfig,
    card_with_front_matter,
    check_new_preset,
    preset_card,
    preset_folder,
)
from keras_3dmmstn.inference.threads import in_threads, processors
from keras_3dmmstn.inference.two_looks import mean_of_two_looks, second_look
from keras_3dmmstn.inference.video.frames import timed
from keras_3dmmstn.inference.video.smoothing import Smoothing
from keras_3dmmstn.inference.video.track import VideoDescriber, track
from keras_3dmmstn.inference.video.tracked_frame import TrackedFrame
from keras_3dmmstn.inference.view.filling import check_fill
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.finer_grid import texture_shape
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.localiser_answers import SPREAD_LANDMARKS, answer_shapes
from keras_3dmmstn.network.weights_folder import (
    FACE_MODEL_FILE,
    LOCALISER_FILE,
    weights_files,
)

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Errors that a photograph, its boxes or the faces in it may cause.
_FAILURES = (OSError, ValueError, TypeError, MemoryError, cv2.error)

# Faces per network call: each takes a megabyte of memory until the call ends.
_AT_ONCE = 128


class Normaliser:
    """Normalises the faces of photographs with a trained localiser and its face model.

    Args:
        localiser: a `keras.Model` from square images to θ, as from `build_localiser`, or to a dict
            of `parameters` and optionally `confidence` and `spread`, as from `with_confidence` and
            `with_spread`; or any callable that does the same and has `input_shape` and
            `output_shape`.
        grid_model: the face model it was trained with.
        visibility: how the mask is computed: `"depth"`, `"table"` or `"normals"`, see
            `SelfOcclusionMask`. It need not be the one used in training.
        focal_length: of the camera that it was trained with, in sides of its input; None for the
            paper's orthographic projection. See `spatial_transformer`.
        texture_size: side in pixels of the square textures and masks, from 32 to 2,048; None for
            one texel per vertex of the face model. Larger textures keep more of a photograph's
            detail, since they are also sampled between the vertices.
        fill: None leaves textures black where the face is hidden; `"mirror"` fills these places
            from the other side of the face, see `fill_hidden`. Masks always show what is visible.
        detector: finds the faces of photographs without boxes: an object with
            `find(image) -> FoundFaces`, see `keras_3dmmstn.inference.detection`; None for a
            `FaceDetector`.
        looks: 2 shows each face to the network twice, the second time upright and framed by the
            landmarks of the first look, and takes the mean of both; 1 shows it only once, in the
            given or detected box, which is faster and less accurate. With a perspective camera,
            only faces with an unsure box get a second look, and it replaces the first; without
            landmarks `ibug68` no face does. Videos have rules of their own: see `track`.

    The localiser's weights are copied when the normaliser is made. If LiteRT cannot run the
    localiser, or it has over 50 million weights, each call uses its current weights instead.
    A normaliser may be called from several threads, pickled and copied. It does not work in
    processes forked after TensorFlow was used: spawn them.

    `pretrained`, `load` and `from_preset` cache what they compile, in the folder that the
    environment variable `KERAS_3DMMSTN_CACHE` names, else in the user's cache. The next process
    loads it from there, and TensorFlow is not imported until `localiser` is accessed.

    Attributes:
        localiser, grid_model, visibility: as given. They cannot be changed.
        image_size: side in pixels of the square images that the localiser sees.
        camera: its `Camera`.
        card: a description of the weights in Markdown, for `save_to_preset`; None if there is
            none.

    Raises:
        ValueError: if the localiser and the face model do not match, `visibility` is unknown,
            `focal_length` is not positive, `texture_size` is not a whole number in its range,
            `fill` is unknown or `looks` is neither 1 nor 2.
    """

    def __init__(
        self,
        localiser: "keras.Model",
        grid_model: GridModel,
        visibility: str = "depth",
        focal_length: float | None = None,
        texture_size: int | None = None,
        fill: str | None = None,
        detector: Detector | None = None,
        looks: int = 2,
    ):
        saved = isinstance(localiser, SavedLocaliser)
        described = localiser.description if saved else localiser
        check_input(described)
        expected = (None, 6 + grid_model.modes)
        shape, confidence, spread = answer_shapes(described)
        if shape != expected:
            raise ValueError(
                f"Normaliser expects a localiser with output of shape {expected} for the "
                f"{grid_model.modes} modes of its face model, received one with output of shape "
                f"{shape}."
            )
        if confidence is not None and tuple(confidence) not in ((None, 1), (None,)):
            raise ValueError(
                "Normaliser expects a localiser whose confidence has the shape (None, 1), received "
                f"one of shape {tuple(confidence)}."
            )
        if spread is not None and tuple(spread) != (None, SPREAD_LANDMARKS):
            raise ValueError(
                "Normaliser expects a localiser whose spread has the shape "
                f"(None, {SPREAD_LANDMARKS}), received one of shape {tuple(spread)}."
            )
        self._localiser, self._grid_model, self._visibility = localiser, grid_model, visibility
        self.camera = Camera(focal_length)
        self.card: str | None = None
        texture_shape(texture_size, grid_model.grid_shape)
        check_fill(fill)
        check_looks(looks)
        self.texture_size, self.fill, self.looks = texture_size, fill, looks
        self.image_size = described.input_shape[1]
        self.detector = FaceDetector() if detector is None else detector
        self._fitter = FaceFitter(
            CompiledLocaliser(localiser),
            FaceGeometry(grid_model, self.image_size, visibility, focal_length, keep=saved),
            FaceDescriber(grid_model, self.camera, self.image_size),
        )

    @functools.cached_property
    def _landmarks(self) -> LandmarkGeometry:
        return LandmarkGeometry(self.grid_model)

    @property
    def localiser(self) -> "keras.Model":
        saved = self._localiser
        return saved.model() if isinstance(saved, SavedLocaliser) else saved

    @property
    def grid_model(self) -> GridModel:
        return self._grid_model

    @property
    def visibility(self) -> str:
        return self._visibility

    @classmethod
    def pretrained(
        cls,
        visibility: str = "depth",
        texture_size: int | None = None,
        fill: str | None = None,
        detector: Detector | None = None,
        looks: int = 2,
    ) -> "Normaliser":
        """Returns the normaliser with the weights that come with the package."""
        with resources.as_file(resources.files("keras_3dmmstn.assets")) as folder:
            return cls.load(folder, visibility, texture_size, fill, detector, looks)

    @classmethod
    def load(
        cls,
        path: str | Path,
        visibility: str = "depth",
        texture_size: int | None = None,
        fill: str | None = None,
        detector: Detector | None = None,
        looks: int = 2,
    ) -> "Normaliser":
        """Reads a folder with `localiser.keras` and `face_model.npz`, such as `train` writes.

        If the camera is perspective, `camera.json` beside them describes it.

        Raises:
            FileNotFoundError: if one of the two is missing.
            ValueError: if they are damaged or do not match, weights are not finite, or
                `visibility`, `texture_size`, `fill` or `looks` is invalid.
        """
        localiser_path, model_path = weights_files(path)
        camera = Camera.load(path)
        localiser, grid_model = SavedLocaliser(localiser_path), GridModel.load(model_path)
        if localiser.compiled is None:
            check_weights(localiser_path, localiser.model())
        # A subclass with its own `__init__` may use the localiser as a full `keras.Model`.
        is_own = cls.__init__ is not Normaliser.__init__
        logger.info(
            "weights of %s: %d numbers, images of %s pixels; face model %s, grid %d x %d, %d modes",
            *(localiser_path, localiser.weights_count, localiser.description.input_shape[1]),
            *(grid_model.name, *grid_model.grid_shape, grid_model.modes),
        )
        given = localiser.model() if is_own else localiser
        return cls(
            given, grid_model, visibility, camera.focal_length, texture_size, fill, detector, looks
        )

    @classmethod
    def from_preset(cls, preset: str | Path, detector: Detector | None = None, **settings):
        """Makes a normaliser from a preset.

        Args:
            preset: `"compact"`, the weights that come with the package; a folder that
                `save_to_preset` wrote; or `"hf://user/name"` on the Hugging Face Hub, at a branch,
                tag or commit with `"hf://user/name@revision"`.
            detector: as for `Normaliser`.
            **settings: `visibility`, `texture_size`, `fill` and `looks` in place of the preset's.

        Raises:
            FileNotFoundError: if there is no such preset, or one of its files is missing.
            ImportError: if `huggingface_hub` is needed and missing.
            OSError: if it cannot be downloaded.
            ValueError: if it is damaged, or a setting is invalid.
        """
        folder = preset_folder(preset)
        settings = asdict(PresetConfig.load(folder)) | settings
        normaliser = cls.load(folder, **settings, detector=detector)
        normaliser.card = preset_card(preset, folder)
        return normaliser

    def save_to_preset(self, path: str | Path) -> Path:
        """Writes a new folder that `from_preset` reads.

        It holds `config.json`, `localiser.keras`, `face_model.npz`, `camera.json` for a perspective
        camera, and `README.md`: the normaliser's `card`, or a short one, with YAML front matter for
        the Hugging Face Hub. The detector is not saved.

        Returns:
            The folder. It appears only once all of it is written.

        Raises:
            FileExistsError: if `path` exists already.
            ValueError: if `from_preset` would look for `path` elsewhere, as for `"compact"`.
        """
        check_new_preset(path)
        settings = PresetConfig(self.visibility, self.texture_size, self.fill, self.looks)
        facts = {
            "image": f"{self.image_size} × {self.image_size} pixels, RGB in 0..255",
            "weights": f"{self.localiser.count_params():,}",
            "face model": f"{self.grid_model.name or 'unnamed'}, {self.grid_model.modes} modes",
        }
        with atomic_destination(path, replace=False) as aside:
            self.save(aside)
            write_atomically(aside / CONFIG_FILE, settings.content())
            card = card_with_front_matter(self.card, facts)
            write_atomically(aside / CARD_FILE, card.encode())
        return Path(path)

    def save(self, path: str | Path) -> None:
        """Writes the folder that `load` reads, each file completely or not at all."""
        path = Path(path)
        path.mkdir(parents=True, exist_ok=True)
        self.camera.save(path)
        self.grid_model.save(path / FACE_MODEL_FILE)
        with atomic_destination(path / LOCALISER_FILE, keep_suffix=True) as aside:
            self.localiser.save(aside)

    def __call__(
        self, image: Photograph, boxes: Boxes = None, rolls: np.ndarray | Sequence | None = None
    ) -> list[NormalisedFace]:
        """Normalises the faces of one photograph.

        Args:
            image: a path, or an RGB uint8 array `(height, width, 3)` of any size.
            boxes: `(n, 4)` x0, y0, x1, y1 in pixels, each the tight box of a face's 68 landmarks;
                None finds the faces with the detector.
            rolls: `(n,)`, clockwise rotation of the face in each box, radians; None if the faces
                are upright or nearly so. The detector estimates the roll itself.

        Returns:
            A face for each box, in the order of the boxes; or for each face found, the largest
            first, framed by the detector.

        Raises:
            FileNotFoundError: if there is no such file.
            TypeError: if `image` is neither a path nor an array of integers.
            ValueError: if the image, a box or a roll is invalid, a box lies outside the image, the
                numbers of rolls and boxes differ, the detector fails, or the localiser's numbers
                describe no face.
        """
        began, pixels = time.monotonic(), as_pixels(image)
        (faces,) = self._normalise([pixels], [self._framed(image, pixels, boxes, rolls)])
        log_normalised(image, pixels, faces, time.monotonic() - began)
        return faces

    def normalise_batch(
        self,
        images: Sequence[Photograph],
        boxes: Sequence[Boxes] | None = None,
        rolls: Sequence[np.ndarray | Sequence | None] | None = None,
    ) -> list[NormalisedPhotograph]:
        """Normalises the faces of several photographs of any size, up to 128 per network call.

        A photograph that fails keeps its `error` and does not affect the others.

        Args:
            images: photographs, as for a call.
            boxes: for each photograph its boxes, or None; None to detect all faces.
            rolls: for each photograph the rolls of its boxes, or None.

        Returns:
            The photographs in their order; accessing `faces` of one that failed raises its error.

        Raises:
            ValueError: if there are not as many `boxes` or `rolls` as photographs, or the
                localiser's numbers describe no face.
        """
        given = [*together(images, boxes, rolls)]
        began = time.monotonic()
        read = list(in_threads(self._read_and_framed, given, processors()))
        whole = [(image, framed) for image, framed, error in read if error is None]
        faces = iter(
            self._normalise([image for image, _ in whole], [framed for _, framed in whole])
        )
        photographs = [
            NormalisedPhotograph(source, image, error, [] if error else next(faces))
            for (source, *_), (image, _, error) in zip(given, read, strict=True)
        ]
        logger.info("a batch of %d took %.2f s", len(given), time.monotonic() - began)
        return photographs

    def describe(
        self, image: Photograph, boxes: Boxes = None, rolls: np.ndarray | Sequence | None = None
    ) -> np.ndarray:
        """Returns a descriptor for each face in a photograph, similar for the same person.

        This is an example of what normalised faces are good for, not a product for identifying
        anybody: it learnt from 514 people and is wrong for one pair in ten or more. See
        `docs/recognition.md` for its training data and error rates.

        Args:
            image, boxes, rolls: as for a call.

        Returns:
            `(faces, D)` float32, a row of length 1 for each face that a call returns. The product
            of two rows is their cosine: the larger it is, the more likely they show one person.

        Raises:
            ValueError: as for a call; also if the face model is not the bundled one.
        """
        from keras_3dmmstn.inference.person_descriptors import person_descriptors

        return person_descriptors(self(image, boxes, rolls))

    def stream(
        self,
        images: Iterable[Photograph],
        boxes: Iterable[Boxes] | None = None,
        rolls: Iterable[np.ndarray | Sequence | None] | None = None,
        workers: int | None = None,
    ) -> Iterator[NormalisedPhotograph]:
        """Normalises photographs in order, by default as many at a time as there are processors.

        While the caller uses one photograph, the next ones are read and their faces are found and
        fitted. Only a few are held in memory at a time.

        Args:
            images, boxes, rolls: as for `normalise_batch`, but any iterables, such as a generator
                of a video's frames. An array may be reused for the next frame: its pixels are
                copied as it is received.
            workers: number of threads; by default the number of processors.

        Yields:
            The photographs in their order; accessing `faces` of one that failed raises its error.

        Raises:
            ValueError: if `workers` is not positive, or there are not as many `boxes` or `rolls` as
                photographs.
        """
        workers = processors() if workers is None else checked_workers(workers)
        taken = (
            (source, source.copy() if isinstance(source, np.ndarray) else source, *where)
            for source, *where in together(images, boxes, rolls)
        )
        return in_threads(self._normalised, taken, workers)

    def track(
        self,
        frames: Iterable[np.ndarray | tuple[float, np.ndarray]],
        rate: float = 25.0,
        smoothing: float = 1.0,
    ) -> Iterator[TrackedFrame]:
        """Normalises the faces of a video, tracked from frame to frame and smoothed over time.

        The detector searches the first frame, every frame while there is no face, every third while
        one is lost, and every tenth for new ones. Otherwise each face is looked for where it was.
        At a cut all faces are detected again. Each face has a number, which it keeps while it is
        tracked, or if it returns within a second near where it was lost.

        Args:
            frames: the video's pictures, RGB uint8 arrays `(height, width, 3)`, or pairs of the
                time in seconds and a picture: a list, a generator, a `VideoFile` or a `Camera`.
                A generator may reuse one array for all of them.
            rate: frames per second of pictures without times.
            smoothing: how much jitter is removed, from 0 for none to 1: see `Smoothing`. A frame is
                smoothed with the one before and the one after it, so it comes one frame late.

        Yields:
            A `TrackedFrame` for each frame. Faces have the detector's `score` in frames in which it
            found them.

        Raises:
            TypeError: if a frame is not a picture.
            ValueError: if `smoothing` is not in 0..1, `rate` is not positive, a frame's time is not
                later than the previous one's, or the face model has no landmarks `ibug68`.
        """
        return track(
            timed(frames, rate),
            self._fitter,
            self.detector,
            VideoDescriber(
                self._fitter, Smoothing(self.grid_model, smoothing), self.texture_size, self.fill
            ),
        )

    def fit(self, crops: np.ndarray) -> FittedFaces:
        """Fits the face model to crops.

        Args:
            crops: `(n, image_size, image_size, 3)`, RGB in 0..255, framed for the network: see
                `keras_3dmmstn.network.framing`.

        Returns:
            The faces, in pixels of the crops.

        Raises:
            ValueError: if the crops have a different shape.
        """
        return self._fitter.generate(self._fitter.answers(checked_crops(crops, self.image_size)))

    def fit_framed(
        self, images: Sequence[np.ndarray], faces: FacesInPhotographs
    ) -> tuple[FacesInPhotographs, FittedFaces]:
        """Fits the face model to faces of photographs, with the normaliser's number of `looks`.

        Args:
            images: the photographs, RGB uint8 arrays.
            faces: where the faces are in the photographs.

        Returns:
            The faces with their final framing, and the fits in pixels of these crops.

        Raises:
            ValueError: if the network's numbers describe no face.
        """
        if self.looks == 1 or "ibug68" not in self.grid_model.landmarks or not len(faces):
            return faces, self._fitter.fit(faces.crops(images, self.image_size))
        if self.camera.focal_length is not None:
            return second_look(faces, images, self._fitter)
        return mean_of_two_looks(faces, images, self._fitter, self._landmarks)

    def regress(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Returns θ `(n, 6 + D)` for each box, with t and log s in pixels of the photograph.

        Args:
            image: RGB uint8 array `(height, width, 3)`, or another that a call accepts.
            boxes: `(n, 4)`, as for a call.

        Raises:
            TypeError: if `image` is not an array of integers.
            ValueError: if the image or a box is invalid, or a box lies outside the image.
        """
        pixels = as_photograph(image)
        faces = FacesInPhotographs.in_boxes(checked_boxes(boxes, pixels), self.image_size)
        faces, fitted = self.fit_framed([pixels], faces)
        return framing.parameters_in_photograph(fitted.parameters, faces.matrices)

    def _normalised(self, source, photograph, boxes, rolls):
        """Normalises one photograph, and records the error if it fails."""
        began = time.monotonic()
        image, framed, error = self._read_and_framed(photograph, boxes, rolls)
        faces = []
        if error is None:
            try:
                (faces,) = self._normalise([image], [framed])
                log_normalised(source, image, faces, time.monotonic() - began)
            except _FAILURES as failure:
                log_failed(source, failure)
                error = failure
        return NormalisedPhotograph(source, image, error, faces)

    def _read_and_framed(self, source, boxes, rolls):
        """Reads a photograph and finds its faces; returns both, and the error if that fails."""
        image = None
        try:
            image = as_pixels(source)
            return image, self._framed(source, image, boxes, rolls), None
        except _FAILURES as error:
            log_failed(source, error)
            return image, None, error

    def _framed(self, source, image, boxes, rolls):
        """Returns the faces of a photograph, found by the detector or in the given boxes."""
        if boxes is None:
            if rolls is not None:
                raise ValueError("Expected boxes with the rolls: a roll goes with a box.")
            began = time.monotonic()
            try:
                found = self.detector.find(unchangeable(image))
            except _FAILURES:
                raise
            except Exception as error:  # the user's own detector may raise anything
                raise ValueError(f"The detector failed: {error!r}") from error
            log_found(source, found, time.monotonic() - began)
            found_boxes = checked_boxes(found.boxes, image)
            return FacesInPhotographs.in_boxes(
                found_boxes, self.image_size, checked_rolls(found.rolls, found_boxes), found.scores
            )
        boxes = checked_boxes(boxes, image)
        return FacesInPhotographs.in_boxes(boxes, self.image_size, checked_rolls(rolls, boxes))

    def _normalise(self, images, framed):
        """Returns the faces of photographs already read and framed, one list per photograph."""
        lists: list[list[NormalisedFace]] = [[] for _ in images]
        if not any(map(len, framed)):
            return lists
        for faces in all_faces(framed).parts(_AT_ONCE):
            faces = with_surer_rolls(faces, images, self.image_size, self._fitter.fit)
            faces, fitted = self.fit_framed(images, faces)
            described = self._fitter.describe(images, faces, fitted, self.texture_size, self.fill)
            for number, face in zip(faces.numbers, described, strict=True):
                lists[number].append(face)
        return lists
