"""The network with a perspective camera in place of the paper's orthographic projection."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import GridModel, spatial_transformer
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from keras_3dmmstn.ops import axis_angle_to_matrix
from tests.support import naive
from tests.support.rendered_faces import (
    errors_before_and_after_training,
    rendered_photograph,
    three_convolutions,
)
from tests.support.small_network import SIZE, landmarks_of, small_network

FOCAL_LENGTH = 1.2  # image sides: of a face that fills the image, some 30 cm away


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 12))


@pytest.fixture(scope="module")
def model(grid_model):
    return small_network(grid_model, focal_length=FOCAL_LENGTH)


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")


def place_of(theta, size=SIZE, focal_length=FOCAL_LENGTH):
    """Returns translation, focal length and principal point of a θ, by hand."""
    f, centre, scale = focal_length * size, (size - 1) / 2, np.exp(theta[5])
    place = [(theta[3] - centre) / scale, (theta[4] - centre) / scale, f / scale]
    return np.array(place), f, [centre, centre]


def test_outputs_are_those_of_a_pinhole_camera(model, grid_model, images):
    outputs = {name: np.asarray(output) for name, output in model(images).items()}
    for one, image in enumerate(images):
        theta = outputs["parameters"][one]
        shape = naive.shape_from_coefficients(theta[6:], grid_model.mean, grid_model.basis)
        rotation = naive.rotation_matrix(theta[:3])
        rotated = naive.rotate_points(shape, rotation)
        place, focal_length, centre = place_of(theta)
        points = naive.perspective_camera(rotated, place, focal_length, centre)
        # Positions of up to 100 pixels and more in float32, through five layers.
        np.testing.assert_allclose(
            outputs["landmarks"][one], landmarks_of(grid_model, points, rotation), atol=1e-3
        )

        mask = naive.perspective_mask(rotated + place, (16, 12))
        np.testing.assert_array_equal(outputs["mask"][one, :, :, 0], mask)
        assert 0.2 < mask.mean() < 0.8, "the case must have visible and hidden vertices"
        parallel = naive.self_occlusion_mask(rotated, (16, 12))
        assert np.any(mask != parallel), "the case must tell the cameras apart"
        for row, column in np.ndindex(16, 12):
            sample = naive.sample_bilinear(image, *points[row * 12 + column])
            # A step between neighbouring pixels of 255 levels, times 1e-3 pixels.
            np.testing.assert_allclose(
                outputs["texture"][one, row, column], sample * mask[row, column], atol=0.3
            )


def test_jaw_points_are_the_outermost_that_this_camera_sees(grid_model):
    face = GridModel.bundled()
    keras.utils.set_random_seed(0)
    chosen = []
    for focal_length in (None, 1.2):
        turned = spatial_transformer(face, three_convolutions(), focal_length=focal_length)
        head = turned.get_layer("localiser").get_layer("head")
        kernel, bias = head.get_weights()
        bias[1] = 2.0  # turned by about 0.6 rad
        head.set_weights([0 * kernel, bias])
        outputs = turned(np.zeros((1, 224, 224, 3)))
        theta = np.asarray(outputs["parameters"])[0]
        rotation = np.asarray(axis_angle_to_matrix(tf.constant(theta[:3])))
        rotated = face.shape(theta[6:]) @ rotation.T
        if focal_length is None:
            points = np.exp(theta[5]) * rotated[:, :2] + theta[3:5]
        else:
            points = naive.perspective_camera(rotated, *place_of(theta, 224, focal_length))
        expected = landmarks_of(face, points, rotation)
        np.testing.assert_allclose(outputs["landmarks"][0], expected, atol=1e-3)
        jaw = [np.argmin(np.linalg.norm(points - point, axis=1)) for point in expected[:17]]
        chosen.append(jaw)
    assert np.any(np.not_equal(*chosen)), "near the camera another part of the cheek is outermost"


@pytest.mark.parametrize("focal_length", [1e6, 1e12])
def test_a_long_focal_length_gives_the_papers_network(focal_length, grid_model, images):
    far = small_network(grid_model, focal_length=focal_length)
    orthographic = small_network(grid_model)
    outputs = far(images)
    for name, expected in orthographic(images).items():
        # Points move by (Y − c) s z / f: less than 100² pixels² over 48e6. That is less than they
        # are rounded by; and a texture has steps of up to 255 levels a pixel.
        tolerance = 1e-3 * (255 if name == "texture" else 1)
        np.testing.assert_allclose(outputs[name], expected, atol=tolerance, err_msg=name)


def test_weights_of_the_papers_network_fit(model, grid_model, images):
    orthographic = small_network(grid_model)
    head = orthographic.get_layer("localiser").get_layer("head")
    head.bias.assign(0 * head.bias)
    other = small_network(grid_model, focal_length=FOCAL_LENGTH)
    other.set_weights(orthographic.get_weights())
    np.testing.assert_array_equal(other(images)["parameters"], orthographic(images)["parameters"])


def test_gradient_flows_from_texture_and_landmarks_to_every_parameter(model, images):
    head = model.get_layer("localiser").get_layer("head")
    for name in ("texture", "landmarks"):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            loss = (
                tf.reduce_mean(losses.symmetry_loss(outputs["texture"], outputs["mask"]))
                if name == "texture"
                else tf.reduce_sum(outputs["landmarks"] ** 2)
            )
        to_kernel, to_bias = tape.gradient(loss, [weight.value for weight in head.weights])
        assert np.isfinite(to_kernel).all()
        assert np.all(np.asarray(to_bias) != 0), name


def test_a_face_around_and_behind_the_camera_has_finite_outputs_and_gradients(grid_model, images):
    near = small_network(grid_model, focal_length=FOCAL_LENGTH)
    head = near.get_layer("localiser").get_layer("head")
    bias = head.bias.numpy()
    bias[5] = 65.0  # exp(6.5) times as large, hence as near: its origin 0.4 mm away
    head.bias.assign(bias)
    with tf.GradientTape() as tape:
        outputs = near(images, training=True)
        loss = tf.reduce_sum(outputs["texture"]) + tf.reduce_mean(outputs["landmarks"] ** 2)
    assert np.exp(outputs["parameters"][0, 5]) > FOCAL_LENGTH * SIZE
    gradients = tape.gradient(loss, [weight.value for weight in head.weights])
    assert all(np.isfinite(value).all() for value in [*outputs.values(), *gradients])


def test_network_survives_saving_and_export(model, images, tmp_path):
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")(images)
    model.export(tmp_path / "saved_model", verbose=False)
    saved_model = tf.saved_model.load(tmp_path / "saved_model")
    served = saved_model.serve(images)
    for name, value in model(images).items():
        np.testing.assert_array_equal(loaded[name], value, err_msg=name)
        # The graph may fuse what eager does step by step; textures have up to 255 levels.
        np.testing.assert_allclose(served[name], value, rtol=1e-4, atol=1e-2, err_msg=name)


@pytest.mark.parametrize("focal_length", [0, -1.0, np.inf, np.nan])
def test_rejects_a_focal_length_that_is_none(focal_length, grid_model):
    with pytest.raises(ValueError, match=r"`focal_length` None or a positive number .* received"):
        small_network(grid_model, focal_length=focal_length)


def test_fits_two_faces_that_were_seen_from_near(rng):
    face = GridModel.bundled()
    keras.utils.set_random_seed(0)
    photographs, labels = zip(
        *(rendered_photograph(face, rng, focal_length=FOCAL_LENGTH) for _ in range(2)), strict=True
    )
    model = spatial_transformer(face, three_convolutions(), focal_length=FOCAL_LENGTH)
    before, after = errors_before_and_after_training(
        model, np.stack(photographs), np.stack(labels), steps=200, learning_rate=1e-3
    )
    assert before > 10
    assert after < 1
