"""The weights that come with the package."""

import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.evaluation.error_measures import face_errors
from keras_3dmmstn.training.evaluation.measurement import measure
from tests.support.paths import labelled_photographs


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained()


def test_a_call_without_a_word_on_training_is_inference(normaliser, rng):
    images = rng.uniform(0, 255, (2, 224, 224, 3)).astype(np.float32)
    localiser = normaliser.localiser
    received, expected = localiser(images), localiser(images, training=False)
    assert set(received) == {"parameters", "confidence", "spread"}
    for name in expected:
        np.testing.assert_array_equal(received[name], expected[name])


def test_a_portrait_is_normalised_upright_with_every_feature_in_its_place(normaliser):
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed")
    (face,) = normaliser(data.astronaut())
    landmarks = face.landmarks()
    # Read off the photograph, and how many of the face's 90 pixels a feature may be off. The
    # corners of the broad smile are harder than the rest.
    features = {
        "image-left pupil": (landmarks[36:42].mean(axis=0), (203, 101), 3),
        "image-right pupil": (landmarks[42:48].mean(axis=0), (247, 103), 3),
        "nose": (landmarks[30], (223, 127), 3),
        "mouth, image-left corner": (landmarks[48], (202, 140), 7),
        "mouth, image-right corner": (landmarks[54], (245, 140), 7),
    }
    for name, (found, expected, tolerance) in features.items():
        assert np.linalg.norm(found - expected) < tolerance, f"{name}: {found}"
    assert np.abs(face.parameters["rotation"]).max() < 0.5
    assert face.mask.mean() > 0.9

    # In the texture the pupils are darker than the cheeks below them.
    rows, columns = np.divmod(face.landmark_indices["aflw21"][[7, 10]], 112)
    grey = face.texture.mean(axis=2)
    assert (grey[rows, columns] < 0.6 * grey[rows + 20, columns]).all()


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["300w/afw", "youtube/val"])
def test_error_on_photographs_that_were_not_trained_on(normaliser, folder):
    faces = read_faces([labelled_photographs(folder)])
    measurement = measure(normaliser, faces.choose(np.arange(0, len(faces), 5)))
    assert face_errors(measurement.errors).mean() < 3.3
