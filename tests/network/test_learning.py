"""It learns: plain `compile` and `fit` bring the landmarks of two photographs to under a pixel."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import GridModel, TrainingModel, spatial_transformer
from keras_3dmmstn.drawing.render import render_mesh
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network import losses
from keras_3dmmstn.network.framing import apply_similarity, crop_matrix, tight_box
from keras_3dmmstn.network.localiser import rest_pose
from keras_3dmmstn.training.data.faces import read_300w
from tests.support import naive

SIZE = 224
PHOTOGRAPHS = Path(
    os.environ.get(
        "KERAS_3DMMSTN_PHOTOGRAPHS",
        Path(__file__).parents[3] / "shared/data/faces/300w/lfpw/trainset",
    )
)


@pytest.fixture(scope="module")
def face():
    return GridModel.bundled()


def small_backbone():
    """Three convolutions without batch statistics: enough to tell two photographs apart."""
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.AveragePooling2D(4),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(16, 5, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
        ]
    )


def rendered_photograph(face, rng, focal_length=None):
    """Draws a random face in a random pose; returns the picture and its `(68, 3)` labels.

    With a focal length, in sides of the picture, a perspective camera sees the face.
    """
    translation, log_scale = rest_pose(face, SIZE)
    r, alpha = rng.normal(0, 0.3, 3), rng.normal(size=face.modes)
    translation = translation + rng.normal(0, 10, 2)
    log_scale = log_scale + rng.normal(0, 0.1)

    rotation = naive.rotation_matrix(r)
    vertices = np.exp(log_scale) * face.shape(alpha) @ rotation.T
    vertices[:, :2] += translation
    if focal_length is not None:
        middle = (SIZE - 1) / 2
        shrink = 1 + vertices[:, 2:] / (focal_length * SIZE)
        vertices[:, :2] = (vertices[:, :2] - middle) / shrink + middle
    waves = face.mean @ rng.normal(0, 0.05, (3, 3)) + rng.uniform(0, 2 * np.pi, 3)
    picture = render_mesh(
        vertices,
        face.triangles,
        SIZE,
        colours=127 + 100 * np.sin(waves),
        frame=(np.full(2, (SIZE - 1) / 2), SIZE),
        background=tuple(rng.integers(0, 255, 3).tolist()),
    )
    points = vertices[face.landmarks["ibug68"], :2]
    return picture, np.concatenate([points, np.ones((68, 1))], axis=1)


def two_rendered_photographs(face, rng):
    """Returns two pictures `(2, size, size, 3)` and their labels `(2, 68, 3)`."""
    (first, first_labels), (second, second_labels) = (
        rendered_photograph(face, rng) for _ in range(2)
    )
    return np.stack([first, second]), np.stack([first_labels, second_labels])


def real_photographs(names):
    """Cuts out faces of 300-W; returns the crops and their `(faces, 68, 3)` labels."""
    if not PHOTOGRAPHS.exists():
        pytest.skip(
            f"needs the photographs of 300-W/LFPW (KERAS_3DMMSTN_PHOTOGRAPHS={PHOTOGRAPHS})"
        )
    faces = read_300w(PHOTOGRAPHS)
    crops, labels = [], []
    for path, label in zip(faces.paths, faces.landmarks[:, :68], strict=True):
        if path.stem in names:
            matrix = crop_matrix(tight_box(label[:, :2]), SIZE)
            crops.append(warp(read_photograph(path), matrix, SIZE))
            points = apply_similarity(matrix, label[:, :2])
            labels.append(np.concatenate([points, label[:, 2:]], axis=1))
    assert len(crops) == len(names)
    return np.stack(crops), np.stack(labels)


def errors_before_and_after_training(model, images, labels, steps, learning_rate):
    """Trains on one batch, again and again; returns mean landmark errors of inference, pixels."""
    trainer = TrainingModel(model)
    trainer.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(learning_rate, steps)),
        loss={"landmarks": losses.LandmarkLoss(normalise=True)},
        metrics={"landmarks": losses.LandmarkError()},
        jit_compile=False,  # compiling would take longer than training
    )
    images, labels = images.astype("float32"), {"landmarks": labels.astype("float32")}
    before = trainer.evaluate(images, labels, return_dict=True, verbose=0)["pixels"]
    batches = tf.data.Dataset.from_tensors((images, labels)).repeat(steps)
    trainer.fit(batches, shuffle=False, verbose=0)
    return before, trainer.evaluate(images, labels, return_dict=True, verbose=0)["pixels"]


def test_fits_two_rendered_photographs_to_under_a_pixel(face, rng):
    keras.utils.set_random_seed(0)
    photographs, labels = two_rendered_photographs(face, rng)
    model = spatial_transformer(face, small_backbone())
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
        model, photographs, labels, steps=200, learning_rate=2e-3
    )
    assert before > 10
    assert after < 1  # it reaches 0.5


# The 40 modes of the bundled model bring a vertex to each of the 51 points inside these two faces
# within 0.8 pixels. The jaw's points are labelled on the apparent contour, which is not a fixed
# set of vertices: with them the best fit there is has an error of 1.3 pixels.
@pytest.mark.slow
@pytest.mark.parametrize(("jaw_confidence", "limit"), [(0, 1.0), (1, 1.4)], ids=["inner", "all"])
def test_fits_two_real_photographs_as_well_as_the_model_can(face, jaw_confidence, limit):
    photographs, labels = real_photographs(["image_0001", "image_0002"])
    labels[:, :17, 2] *= jaw_confidence
    keras.utils.set_random_seed(0)
    model = spatial_transformer(face, small_backbone())
    before, after = errors_before_and_after_training(
        model, photographs, labels, steps=800, learning_rate=3e-3
    )
    assert before > 5
    assert after < limit


@pytest.mark.slow
def test_fits_two_real_photographs_to_under_a_pixel_if_the_face_model_is_trained_too(face):
    photographs, labels = real_photographs(["image_0001", "image_0002"])
    keras.utils.set_random_seed(0)
    model = spatial_transformer(face, small_backbone())
    model.get_layer("morphable_model").trainable = True
    _, after = errors_before_and_after_training(
        model, photographs, labels, steps=400, learning_rate=3e-3
    )
    assert after < 1
