"""The network's results for faces, in terms of their photographs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_3dmmstn.inference.camera import Camera
from keras_3dmmstn.inference.fitted_faces import FittedFaces
from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.texture import face_texture, inside
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network import framing

# In pixels of the crop: vertices lie further away only if the localiser's numbers are nonsense.
_FURTHEST = 1e7


def check_fitted(fitted: FittedFaces) -> FittedFaces:
    """Returns fitted faces, or raises a ValueError if they lie far outside their crops."""
    for numbers in (fitted.parameters, fitted.points):
        check_numbers(numbers)
    if fitted.confidence is not None:
        check_confidence(fitted.confidence)
    if fitted.spread is not None:
        check_spread(fitted.spread)
    return fitted


def check_confidence(confidence: np.ndarray) -> None:
    """Raises a ValueError unless the confidence of a network is a probability."""
    likely = (confidence >= 0) & (confidence <= 1)
    if not likely.all():
        raise ValueError(
            "Expected weights whose confidence is a probability from 0 to 1, received "
            f"{float(confidence[~likely][0]):g}: a localiser of your own ends it in a sigmoid."
        )


def check_spread(spread: np.ndarray) -> None:
    """Raises a ValueError unless the spread of a network consists of valid distances."""
    distances = (spread >= 0) & (spread < np.inf)
    if not distances.all():
        raise ValueError(
            "Expected weights whose spread is a distance for each landmark, 0 or more, received "
            f"{float(spread[~distances][0]):g}."
        )


def check_numbers(numbers: np.ndarray) -> np.ndarray:
    """Returns numbers of a network, or raises a ValueError if they describe no face."""
    if numbers.size and not (numbers.min() > -_FURTHEST and numbers.max() < _FURTHEST):
        raise ValueError(
            "Expected weights that find a face, but theirs is not finite or larger than any "
            "photograph: the training may have diverged."
        )
    return numbers


@dataclass(frozen=True, eq=False)
class FaceDescriber:
    """Describes fitted faces in their photographs.

    Attributes:
        grid_model: the face model.
        camera: the network's camera.
        image_size: side of the crops in pixels.
    """

    grid_model: GridModel
    camera: Camera
    image_size: int

    def describe(
        self,
        images: Sequence[np.ndarray],
        faces: FacesInPhotographs,
        fitted: FittedFaces,
        visible: np.ndarray,
        texture_size: int | None,
        fill: str | None,
    ) -> list[NormalisedFace]:
        """Returns the faces, in their order.

        Args:
            images: the photographs.
            faces: where the faces are in the photographs.
            fitted: the fitted faces.
            visible: `(n, H', W')` bool, the vertices that the viewer sees.
            texture_size, fill: as for `Normaliser`.
        """
        model, matrices = self.grid_model, faces.matrices
        thetas = framing.parameters_in_photograph(fitted.parameters, matrices)
        points = framing.points_in_photograph(fitted.points, matrices)
        camera = self.camera.intrinsics(matrices, self.image_size)
        described = []
        for number in range(len(faces)):
            image = images[faces.numbers[number]]
            # As separate planes of x and y, which NumPy processes in half the time.
            planes = np.ascontiguousarray(points[number].T).reshape(2, *model.grid_shape)
            grid = np.moveaxis(planes, 0, -1)
            texture, mask = face_texture(image, grid, visible[number], texture_size)
            theta, identity = thetas[number], slice(6, 6 + model.identity_count)
            face = NormalisedFace(
                texture=texture,
                mask=mask,
                vertices=fitted.vertices[number],
                points=points[number],
                visible=(visible[number] & inside(image, grid)).ravel(),
                grid_shape=model.grid_shape,
                parameters={
                    "rotation": theta[:3],
                    "translation": theta[3:5],
                    "log_scale": theta[5],
                    "identity": theta[identity],
                    "expression": theta[identity.stop :],
                    **{name: values[number] for name, values in camera.items()},
                },
                box=np.asarray(faces.boxes[number], float),
                landmark_indices={
                    name: indices[number] for name, indices in fitted.landmark_indices.items()
                },
                roll=float(framing.rolls(matrices[number : number + 1])[0]),
                score=faces.scores[number],
                confidence=None if fitted.confidence is None else float(fitted.confidence[number]),
                spread=None if fitted.spread is None else fitted.spread[number],
                photograph=PhotographPart.around(image, points[number]),
                grid_model=model,
            )
            if fill is not None:
                face = replace(face, texture=face.filled_texture(fill))
            described.append(face)
        return described
