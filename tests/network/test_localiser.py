import dataclasses

import keras
import numpy as np
import pytest

from keras_3dmmstn import GridModel, base_localiser, build_localiser, compact_localiser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.confidence import with_confidence, without_confidence
from keras_3dmmstn.network.framing import CROP_TO_BOX, crop_square, tight_box
from keras_3dmmstn.network.localiser import ParameterScaling, rest_pose
from keras_3dmmstn.network.model import connect
from keras_3dmmstn.network.pretrained import load_weights
from keras_3dmmstn.network.residual_localisers import LOCALISERS
from tests.support import naive
from tests.support.layer_contract import assert_keeps_layer_contract
from tests.support.small_network import small_backbone


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 16))


def flat_backbone(size=32):
    return small_backbone(size)


def spatial_backbone(size=32):
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(4, 5, strides=4, activation="relu"),
        ]
    )


def randomise(localiser, rng):
    """Gives every weight a random value, so that the head no longer ignores the photograph."""
    for weight in localiser.weights:
        value = rng.normal(0, 0.1, weight.shape)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.path else value)


def landmarks_of(parameters, grid_model):
    r, t, log_scale = parameters[:3], parameters[3:5], parameters[5]
    points = naive.camera(grid_model.mean, naive.rotation_matrix(r), t, log_scale)
    return points[grid_model.landmarks["ibug68"]]


# The confidence


def test_a_confidence_leaves_the_parameters_as_they_are(grid_model, rng, tmp_path):
    localiser = build_localiser(spatial_backbone(), grid_model, image_size=32)
    randomise(localiser, rng)
    images = rng.uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(localiser(images))
    sure = with_confidence(localiser)
    sure.save(tmp_path / "localiser.keras")
    for model in (sure, keras.models.load_model(tmp_path / "localiser.keras")):
        outputs = model(images)
        assert set(outputs) == {"parameters", "confidence"}
        np.testing.assert_allclose(outputs["parameters"], expected, atol=1e-5)
        assert outputs["confidence"].shape == (4, 1)
        assert 0 < np.min(outputs["confidence"]) < np.max(outputs["confidence"]) < 1
    np.testing.assert_array_equal(without_confidence(sure)(images), expected)
    assert without_confidence(localiser) is localiser


def test_a_confidence_is_added_once_and_to_localisers_alone(grid_model):
    localiser = with_confidence(build_localiser(flat_backbone(), grid_model, image_size=32))
    for model in (localiser, flat_backbone()):
        with pytest.raises(ValueError, match="localiser of build_localiser without a confidence"):
            with_confidence(model)


def test_weights_with_a_confidence_fit_a_localiser_without_one(grid_model, tmp_path, rng):
    saved = build_localiser(flat_backbone(), grid_model, image_size=32)
    randomise(saved, rng)
    with_confidence(saved).save(tmp_path / "localiser.keras")
    localiser = build_localiser(flat_backbone(), grid_model, image_size=32)
    load_weights(localiser, tmp_path / "localiser.keras")
    images = rng.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(localiser(images), saved(images), atol=1e-6)


def test_a_network_has_the_confidence_of_its_localiser(grid_model, rng):
    localiser = build_localiser(flat_backbone(), grid_model, image_size=32)
    images = rng.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    assert "confidence" not in connect(localiser, grid_model)(images)
    sure = with_confidence(localiser)
    received = connect(sure, grid_model)(images)["confidence"]
    np.testing.assert_allclose(received, sure(images)["confidence"], atol=1e-6)


# The head


@pytest.mark.parametrize("backbone", [flat_backbone, spatial_backbone])
def test_any_backbone_becomes_a_localiser(backbone, grid_model, rng):
    localiser = build_localiser(backbone(), grid_model, image_size=32)
    assert localiser.input_shape == (None, 32, 32, 3)
    assert localiser.output_shape == (None, 6 + grid_model.modes)
    assert localiser(rng.uniform(0, 255, (5, 32, 32, 3))).shape == (5, 6 + grid_model.modes)


@pytest.mark.parametrize("backbone", [flat_backbone, spatial_backbone])
def test_new_head_predicts_the_mean_face_whatever_it_sees(backbone, grid_model, rng):
    localiser = build_localiser(backbone(), grid_model, image_size=32)
    parameters = np.asarray(localiser(rng.uniform(0, 255, (3, 32, 32, 3))))
    np.testing.assert_array_equal(parameters[:, :3], np.zeros((3, 3)))
    np.testing.assert_array_equal(parameters[:, 6:], np.zeros((3, grid_model.modes)))
    np.testing.assert_array_equal(parameters[0], parameters[1])


@pytest.mark.parametrize("image_size", [32, 100, 224])
@pytest.mark.parametrize(
    "face", [toy_grid_model((16, 16)), GridModel.bundled()], ids=["toy", "own"]
)
def test_new_head_frames_the_landmarks_like_a_crop(face, image_size):
    parameters = np.concatenate([[0, 0, 0], *map(np.atleast_1d, rest_pose(face, image_size))])
    box = tight_box(landmarks_of(parameters, face))
    # float32 data of about 100 mm, at about a pixel per mm.
    larger_side = max(box[2] - box[0], box[3] - box[1])
    np.testing.assert_allclose(larger_side, image_size / 1.7, atol=1e-4)
    middle = (image_size - 1) / 2
    np.testing.assert_allclose([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2], middle, atol=1e-4)
    assert CROP_TO_BOX == 1.7
    # So the square that a photograph would be cropped to is the image itself.
    np.testing.assert_allclose(crop_square(box), (middle, middle, image_size), atol=1e-3)


def test_new_localiser_predicts_the_rest_pose(grid_model):
    localiser = build_localiser(flat_backbone(), grid_model, image_size=32)
    parameters = np.asarray(localiser(np.zeros((1, 32, 32, 3))))[0]
    translation, log_scale = rest_pose(grid_model, 32)
    np.testing.assert_allclose(parameters[3:6], [*translation, log_scale], rtol=1e-6)


def test_model_without_landmarks_is_framed_by_all_its_vertices(grid_model):
    bare = GridModel(grid_model.mean, grid_model.basis, grid_model.grid_shape)
    (x, y), log_scale = rest_pose(bare, 100)
    points = np.exp(log_scale) * bare.mean[:, :2] + [x, y]
    extent = points.max(axis=0) - points.min(axis=0)
    np.testing.assert_allclose(extent.max(), 100 / CROP_TO_BOX, atol=1e-4)
    np.testing.assert_allclose((points.max(axis=0) + points.min(axis=0)) / 2, 49.5, atol=1e-4)


def test_model_is_framed_by_the_landmarks_that_its_user_names(grid_model):
    eyes = grid_model.landmarks["ibug68"][36:48]
    model = dataclasses.replace(grid_model, landmarks={"eyes": eyes})
    localiser = build_localiser(flat_backbone(), model, image_size=32, framed_by="eyes")
    translation, log_scale = np.split(np.asarray(localiser(np.zeros((1, 32, 32, 3))))[0, 3:6], [2])
    points = np.exp(log_scale) * model.mean[eyes, :2] + translation
    assert np.ptp(points, axis=0).max() == pytest.approx(32 / CROP_TO_BOX, rel=1e-5)
    with pytest.raises(ValueError, match="landmark sets 'eyes'"):
        build_localiser(flat_backbone(), model, image_size=32, framed_by="ibug68")


@pytest.mark.parametrize("raw", [1e3, -1e3, 1e30, -1e30, np.inf])
def test_rotations_are_bounded_by_pi_however_absurd_the_raw_output(raw):
    scaling = ParameterScaling((10.0, 20.0), 0.5, 100)
    r = np.asarray(scaling(np.full((1, 8), raw, np.float32)))[0, :3]
    assert np.all(np.abs(r) <= np.float32(np.pi))
    np.testing.assert_allclose(r, np.sign(raw) * np.pi, rtol=1e-6)


def test_one_raw_unit_is_a_small_change_of_pose():
    scaling = ParameterScaling((10.0, 20.0), 0.5, 100)
    parameters = np.asarray(scaling(np.ones((1, 9))))[0]
    np.testing.assert_allclose(parameters[:3], np.pi * np.tanh(0.3 / np.pi), rtol=1e-6)
    np.testing.assert_allclose(parameters[3:], [15, 25, 0.6, 1, 1, 1], rtol=1e-6)


def test_parameter_scaling_keeps_the_layer_contract(rng, tmp_path):
    scaling = ParameterScaling((10.0, 20.0), 0.5, 100)
    raw = rng.normal(size=(2, 9))
    assert_keeps_layer_contract(scaling, raw, output_shape=(2, 9), folder=tmp_path)


def test_localiser_survives_saving(grid_model, rng, tmp_path):
    localiser = build_localiser(spatial_backbone(), grid_model, image_size=32)
    randomise(localiser, rng)
    images = rng.uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    localiser.save(tmp_path / "localiser.keras")
    loaded = keras.models.load_model(tmp_path / "localiser.keras")
    np.testing.assert_array_equal(loaded(images), localiser(images))


# Wrong backbones


@pytest.mark.parametrize("image_size", [31, 64])
def test_rejects_a_backbone_for_another_image_size(image_size, grid_model):
    match = rf"input of shape \(None, {image_size}, .* received one with input of shape"
    with pytest.raises(ValueError, match=match):
        build_localiser(flat_backbone(32), grid_model, image_size)


def test_rejects_a_backbone_for_grey_images(grid_model):
    grey = keras.Sequential([keras.Input((32, 32, 1)), keras.layers.Flatten()])
    with pytest.raises(ValueError, match=r"received one with input of shape \(None, 32, 32, 1\)"):
        build_localiser(grey, grid_model, image_size=32)


def test_rejects_a_backbone_with_features_of_rank_3(grid_model):
    sequence = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Reshape((32, 96))])
    with pytest.raises(ValueError, match=r"one output of shape .* received \(None, 32, 96\)"):
        build_localiser(sequence, grid_model, image_size=32)


@pytest.mark.parametrize("kind", [list, dict])
def test_rejects_a_backbone_with_two_outputs(kind, grid_model):
    image = keras.Input((32, 32, 3))
    features = keras.layers.Flatten()(image)
    outputs = {"a": features, "b": features} if kind is dict else [features, features]
    with pytest.raises(ValueError, match="expects a backbone with one output"):
        build_localiser(keras.Model(image, outputs), grid_model, image_size=32)


def test_rejects_a_backbone_without_an_input_shape(grid_model):
    unbuilt = keras.Sequential([keras.layers.Flatten()])
    with pytest.raises(ValueError, match="received one with input of shape None"):
        build_localiser(unbuilt, grid_model, image_size=32)


# The compact default


@pytest.fixture(scope="module")
def compact_140(grid_model):
    localiser = compact_localiser(grid_model, image_size=140)
    randomise(localiser, np.random.default_rng(0))
    return localiser


def test_compact_localiser_is_small(compact_140):
    assert compact_140.count_params() < 700_000


def test_weights_of_the_140_pixel_localiser_serve_the_larger_ones(compact_140, grid_model, rng):
    compact_280 = compact_localiser(grid_model, image_size=280)
    compact_280.set_weights(compact_140.get_weights())
    image = rng.uniform(0, 255, (1, 140, 140, 3)).astype("float32")
    pixels_doubled = image.repeat(2, axis=1).repeat(2, axis=2)
    small = np.asarray(compact_140(image))[0]
    large = np.asarray(compact_280(pixels_doubled))[0]
    np.testing.assert_allclose(large[:3], small[:3], atol=1e-5)
    # Pixel i becomes pixels 2 i and 2 i + 1: its centre goes to 2 i + ½.
    np.testing.assert_allclose(large[3:5], 2 * small[3:5] + 0.5, rtol=1e-5)
    np.testing.assert_allclose(large[5], small[5] + np.log(2), atol=1e-5)
    np.testing.assert_allclose(large[6:], small[6:], atol=1e-4)
    assert np.abs(small[:3]).max() > 0.01, "the localiser must have looked at the photograph"


def test_compact_localiser_looks_at_the_middle_of_the_image(compact_140, rng):
    image = rng.uniform(0, 255, (1, 140, 140, 3)).astype("float32")
    other_border, other_middle = image.copy(), image.copy()
    other_border[:, :14] = other_border[:, -14:] = 0
    other_border[:, :, :14] = other_border[:, :, -14:] = 0
    other_middle[:, 60:80, 60:80] = 0
    answer = np.asarray(compact_140(image))
    np.testing.assert_array_equal(compact_140(other_border), answer)
    assert (np.asarray(compact_140(other_middle)) != answer).any()


def test_a_call_without_a_word_on_training_is_inference(grid_model, rng):
    localiser = compact_localiser(grid_model, 150)  # shrinks
    images = rng.uniform(0, 255, (2, 150, 150, 3)).astype("float32")
    head = localiser.get_layer("head")
    head.set_weights([rng.normal(size=weight.shape) for weight in head.get_weights()])
    before = [variable.numpy() for variable in localiser.non_trainable_variables]
    np.testing.assert_array_equal(localiser(images), localiser(images, training=False))
    for old, variable in zip(before, localiser.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(old, variable)

    localiser(images, training=True)
    after = [variable.numpy() for variable in localiser.non_trainable_variables]
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


def test_compact_localiser_takes_any_size_that_is_large_enough(grid_model, rng):
    localiser = compact_localiser(grid_model, image_size=161)
    image = rng.uniform(0, 255, (2, 161, 161, 3))
    assert localiser(image).shape == (2, 6 + grid_model.modes)


@pytest.mark.parametrize("name", ["compact", "base"])
def test_residual_localisers_reject_small_images(name, grid_model):
    with pytest.raises(ValueError, match=f"{name}_.* `image_size` of at least 140, received 112"):
        LOCALISERS[name](grid_model, image_size=112)


def test_base_localiser_is_the_compact_one_wider_and_deeper(compact_140, grid_model):
    base = base_localiser(grid_model, image_size=140)
    assert 2_000_000 < base.count_params() < 2_500_000
    names = [layer.name for layer in base.get_layer("base").layers]
    extra = [name for name in names if name.startswith("block_5")]
    assert extra
    rest = [name for name in names if name not in extra]
    assert rest == [layer.name for layer in compact_140.get_layer("compact").layers]
