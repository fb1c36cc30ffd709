"""It learns: plain `compile` and `fit` bring the landmarks of two photographs to under a pixel."""

import keras
import numpy as np
import pytest

from keras_3dmmstn import GridModel, spatial_transformer
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network.framing import apply_similarity, crop_matrix, tight_box
from keras_3dmmstn.training.data.faces import read_300w
from tests.support.paths import labelled_photographs
from tests.support.rendered_faces import (
    SIZE,
    errors_before_and_after_training,
    three_convolutions,
    two_rendered_photographs,
)


@pytest.fixture(scope="module")
def face():
    return GridModel.bundled()


def real_photographs(names):
    """Cuts out faces of 300-W; returns the crops and their `(faces, 68, 3)` labels."""
    faces = read_300w(labelled_photographs("300w/lfpw/trainset"))
    crops, labels = [], []
    for path, label in zip(faces.paths, faces.landmarks[:, :68], strict=True):
        if path.stem in names:
            matrix = crop_matrix(tight_box(label[:, :2]), SIZE)
            crops.append(warp(read_photograph(path), matrix, SIZE))
            points = apply_similarity(matrix, label[:, :2])
            labels.append(np.concatenate([points, label[:, 2:]], axis=1))
    assert len(crops) == len(names)
    return np.stack(crops), np.stack(labels)


def test_fits_two_rendered_photographs_to_under_a_pixel(face, rng):
    keras.utils.set_random_seed(0)
    photographs, labels = two_rendered_photographs(face, rng)
    model = spatial_transformer(face, three_convolutions())
    before, after = errors_before_and_after_training(
        model, photographs, labels, steps=200, learning_rate=1e-3
    )
    assert before > 10
    assert after < 1  # it reaches 0.2

    # What was trained is the network itself: it sees the face where it is.
    outputs = model(photographs.astype("float32"))
    distance = np.linalg.norm(outputs["landmarks"] - labels[..., :2], axis=-1)
    np.testing.assert_allclose(distance.mean(), after, rtol=1e-3)
    assert np.mean(outputs["mask"]) > 0.5


@pytest.mark.slow
def test_compact_localiser_fits_two_rendered_photographs_to_under_a_pixel(face, rng):
    keras.utils.set_random_seed(0)
    photographs, labels = two_rendered_photographs(face, rng)
    model = spatial_transformer(face)
    before, after = errors_before_and_after_training(
        model, photographs, labels, steps=100, learning_rate=2e-3
    )
    assert before > 10
    assert after < 1  # it reaches 0.6


# The 40 modes of the bundled model bring a vertex to each of the 51 points inside these two faces
# within 0.8 pixels. The jaw's points are labelled on the apparent contour, which is not a fixed
# set of vertices: with them the best fit there is has an error of 1.3 pixels.
@pytest.mark.slow
@pytest.mark.parametrize(("jaw_confidence", "limit"), [(0, 1.0), (1, 1.4)], ids=["inner", "all"])
def test_fits_two_real_photographs_as_well_as_the_model_can(face, jaw_confidence, limit):
    photographs, labels = real_photographs(["image_0001", "image_0002"])
    labels[:, :17, 2] *= jaw_confidence
    keras.utils.set_random_seed(0)
    model = spatial_transformer(face, three_convolutions())
    before, after = errors_before_and_after_training(
        model, photographs, labels, steps=400, learning_rate=5e-3
    )
    assert before > 5
    assert after < limit


@pytest.mark.slow
def test_fits_two_real_photographs_to_under_a_pixel_if_the_face_model_is_trained_too(face):
    photographs, labels = real_photographs(["image_0001", "image_0002"])
    keras.utils.set_random_seed(0)
    model = spatial_transformer(face, three_convolutions())
    model.get_layer("morphable_model").trainable = True
    _, after = errors_before_and_after_training(
        model, photographs, labels, steps=200, learning_rate=3e-3
    )
    assert after < 1
