"""What a run writes after each epoch: the localiser, and numbers and pictures for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.atomic_files import atomic_destination, write_atomically
from keras_3dmmstn.drawing.pipeline_sheet import COLUMNS, pipeline_sheet
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.weights_folder import FACE_MODEL_FILE, LOCALISER_FILE
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.mixture import Mixture
from keras_3dmmstn.training.data.run_data import fixed_faces
from keras_3dmmstn.training.event_log import EventLog
from keras_3dmmstn.training.network import inference_localiser, learnt_face_model


class RunResults:
    """Writes the results of a run to its folder.

    Args:
        folder: the folder of the run.
        model: the network that is trained.
        grid_model: its face model.
        config: the numbers of the run.
        faces: the source of the faces that are drawn after each epoch.
    """

    def __init__(
        self,
        folder: Path,
        model: keras.Model,
        grid_model: GridModel,
        config: TrainingConfig,
        faces: Mixture,
    ):
        self.folder = folder
        self._model, self._given, self._config = model, grid_model, config
        self._localiser = model.get_layer("localiser")
        self._inference = inference_localiser(config, model, grid_model)
        self._live = _LiveLocaliser(self._localiser)
        self._normaliser = self._with_face_model(grid_model)
        self._normaliser.camera.save(folder)
        # A run that continues has saved its learnt face model beside the localiser.
        if not (config.learns_face_model and (folder / LOCALISER_FILE).exists()):
            self._save_face_model()
        self._crops = fixed_faces(faces, config)
        self._events = EventLog(folder / "events")

    def write(self, epoch: int, row: Mapping[str, float]) -> None:
        """Writes the results of an epoch with the current weights.

        Args:
            epoch: counted from 1.
            row: the measurements.
        """
        for name, value in row.items():
            self._events.scalar(name, value, epoch)
        if self._config.learns_face_model:
            learnt = learnt_face_model(self._config, self._model, self._given)
            self._normaliser = self._with_face_model(learnt)
        sheet = pipeline_sheet(self._normaliser, list(self._crops))
        self._events.picture(", ".join(COLUMNS), sheet, epoch)
        self._events.flush()
        picture = cv2.imencode(".jpg", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
        write_atomically(self.folder / "pipeline.jpg", picture.tobytes())
        if self._config.learns_face_model:
            self._save_face_model()
        self._save_localiser()

    def _with_face_model(self, grid_model):
        """Returns a normaliser with a face model and the current weights."""
        focal_length = self._config.focal_length or None
        return Normaliser(self._live, grid_model, focal_length=focal_length)

    def _save_face_model(self):
        """Writes the face model as it is used; half precision makes it smaller."""
        self._normaliser.grid_model.save(self.folder / FACE_MODEL_FILE, basis_dtype="float16")

    def _save_localiser(self):
        """Writes the localiser in float32, for images of the paper's size."""
        if self._inference is not self._localiser:
            self._inference.set_weights(self._localiser.get_weights())
        with atomic_destination(self.folder / LOCALISER_FILE, keep_suffix=True) as aside:
            self._inference.save(aside)


class _LiveLocaliser:
    """A localiser that always uses the current weights; a normaliser would keep the first ones.

    Args:
        localiser: the localiser that is being trained.
    """

    def __init__(self, localiser: keras.Model):
        self.input_shape, self.output_shape = localiser.input_shape, localiser.output_shape
        signature = [tf.TensorSpec((None, *localiser.input_shape[1:]), tf.float32)]
        self._run = tf.function(
            lambda images: localiser(images, training=False), input_signature=signature
        )

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return self._run(images).numpy()
