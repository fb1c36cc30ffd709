"""From crops of faces to the complete results: network, face model and photograph."""

from collections.abc import Sequence

import numpy as np

from keras_3dmmstn.inference.compiled_localiser import CompiledLocaliser
from keras_3dmmstn.inference.description import FaceDescriber, check_fitted
from keras_3dmmstn.inference.fitted_faces import FaceGeometry, FittedFaces
from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.network.localiser_answers import Answers


class FaceFitter:
    """Fits the face model to framed faces, and describes the results.

    Args:
        localise: from crops to θ and the network's other outputs.
        geometry: from θ to faces and masks.
        describer: from faces of crops to those of photographs.
    """

    def __init__(
        self, localise: CompiledLocaliser, geometry: FaceGeometry, describer: FaceDescriber
    ):
        self._localise, self._geometry, self._describer = localise, geometry, describer

    @property
    def image_size(self) -> int:
        """The side of the crops in pixels."""
        return self._describer.image_size

    def answers(self, crops: np.ndarray) -> Answers:
        """Returns the network's answers, θ `(n, 6 + D)` in pixels of the crops."""
        return self._localise(crops)

    def generate(self, answers: Answers) -> FittedFaces:
        """Returns the faces of a network's answers, with t and log s in pixels of the crops."""
        return self._geometry.fit(*answers)

    def fit(self, crops: np.ndarray) -> FittedFaces:
        """Fits the face model to crops `(n, image_size, image_size, 3)`.

        Raises:
            ValueError: if the network's numbers describe no face.
        """
        return self.fit_answers(self.answers(np.asarray(crops)))

    def fit_answers(self, answers: Answers) -> FittedFaces:
        """Returns the faces of a network's answers like `generate`, but checks the numbers.

        Raises:
            ValueError: if the numbers describe no face.
        """
        return check_fitted(self.generate(answers))

    def describe(
        self,
        images: Sequence[np.ndarray],
        faces: FacesInPhotographs,
        fitted: FittedFaces,
        texture_size: int | None = None,
        fill: str | None = None,
    ) -> list[NormalisedFace]:
        """Returns the faces of photographs, in their order.

        Args:
            images: the photographs.
            faces: where the faces are in the photographs.
            fitted: the fitted faces.
            texture_size, fill: as for `Normaliser`.
        """
        visible = self._geometry.visible(fitted)
        return self._describer.describe(images, faces, fitted, visible, texture_size, fill)
