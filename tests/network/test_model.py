import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn import GridModel, ops, spatial_transformer
from keras_3dmmstn.mesh import occlusion_table
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from tests.support import naive
from tests.support.small_network import SIZE, landmarks_of, small_backbone, small_network


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 12))


@pytest.fixture(scope="module")
def model(grid_model):
    return small_network(grid_model)


@pytest.fixture
def images(rng):
    return rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")


def test_outputs_are_parameters_landmarks_texture_and_mask(model, images):
    shapes = {name: tuple(output.shape) for name, output in model(images).items()}
    assert shapes == {
        "parameters": (2, 12),
        "landmarks": (2, 68, 2),
        "texture": (2, 16, 12, 3),
        "mask": (2, 16, 12, 1),
    }


def test_batch_is_free(model, rng):
    assert model.input_shape == (None, SIZE, SIZE, 3)
    assert all(output.shape[0] is None for output in model.output.values())
    for batch in (1, 3):
        outputs = model.predict(rng.uniform(0, 255, (batch, SIZE, SIZE, 3)), verbose=0)
        assert {len(output) for output in outputs.values()} == {batch}


def test_input_is_named_for_exports(model):
    assert model.input.name == "image"


def test_outputs_are_the_papers_equations_applied_to_the_parameters(model, grid_model, images):
    outputs = {name: np.asarray(output) for name, output in model(images).items()}
    for image, theta, landmarks, texture, mask in zip(
        images,
        *(outputs[name] for name in ("parameters", "landmarks", "texture", "mask")),
        strict=True,
    ):
        shape = naive.shape_from_coefficients(theta[6:], grid_model.mean, grid_model.basis)
        rotation = naive.rotation_matrix(theta[:3])
        points = naive.camera(shape, rotation, theta[3:5], theta[5])
        # Positions of up to 100 pixels and more in float32, through five layers.
        expected_landmarks = landmarks_of(grid_model, points, rotation)
        np.testing.assert_allclose(landmarks, expected_landmarks, atol=1e-3)

        rotated = naive.rotate_points(shape, rotation)
        expected_mask = naive.self_occlusion_mask(rotated, (16, 12))
        np.testing.assert_array_equal(mask[..., 0], expected_mask)

        assert 0.2 < mask.mean() < 0.8, "the case must have visible and hidden vertices"
        for row, column in np.ndindex(16, 12):
            sample = naive.sample_bilinear(image, *points[row * 12 + column])
            # A step between neighbouring pixels of 255 levels, times 1e-3 pixels.
            np.testing.assert_allclose(
                texture[row, column], sample * expected_mask[row, column], atol=0.3
            )


@pytest.mark.parametrize("visibility", ["normals", "depth", "table"])
def test_mask_is_computed_as_asked(visibility, grid_model, images):
    outputs = small_network(grid_model, visibility=visibility)(images)
    alpha, r = outputs["parameters"][:, 6:], outputs["parameters"][:, :3]
    rotation = ops.axis_angle_to_matrix(r)
    shape = ops.shape_from_coefficients(alpha, grid_model.mean, grid_model.basis)
    rotated = ops.rotate_points(shape, rotation)
    expected = {
        "normals": lambda: ops.self_occlusion_mask(rotated, (16, 12)),
        "depth": lambda: ops.self_occlusion_mask_by_depth(rotated, (16, 12)),
        "table": lambda: ops.self_occlusion_mask_by_table(
            rotated, rotation, (16, 12), tf.constant(occlusion_table(grid_model))
        ),
    }[visibility]()
    np.testing.assert_array_equal(outputs["mask"], expected)
    assert (outputs["texture"].numpy()[expected.numpy()[..., 0] == 0] == 0).all()


def test_unknown_visibility_is_refused(grid_model):
    with pytest.raises(ValueError, match=r"one of .* received 'rays'"):
        spatial_transformer(grid_model, small_backbone(), image_size=SIZE, visibility="rays")


@pytest.fixture(scope="module")
def larger(grid_model):
    """The same network with a texture of 40 × 40."""
    return small_network(grid_model, texture_size=40)


def test_a_larger_texture_is_sampled_between_the_vertices(model, larger, grid_model, images):
    outputs, coarse = larger(images), model(images)
    for name in ("parameters", "landmarks"):
        np.testing.assert_array_equal(outputs[name], coarse[name])
    assert outputs["texture"].shape == (2, 40, 40, 3) and outputs["mask"].shape == (2, 40, 40, 1)
    for number, theta in enumerate(coarse["parameters"].numpy()):
        shape = naive.shape_from_coefficients(theta[6:], grid_model.mean, grid_model.basis)
        points = naive.camera(shape, naive.rotation_matrix(theta[:3]), theta[3:5], theta[5])
        grid = naive.refine_grid(points.reshape(16, 12, 2), 40, 40)
        mask = naive.refine_grid(coarse["mask"][number].numpy(), 40, 40) >= 0.5
        np.testing.assert_array_equal(outputs["mask"][number], mask)
        assert 0.2 < mask.mean() < 0.8
        for row, column in np.argwhere(mask[..., 0])[::7]:
            sample = naive.sample_bilinear(images[number], *grid[row, column])
            # A step between neighbouring pixels of 255 levels, times 2e-3 pixels: places are
            # rounded to 1/2048 of cells of 4 pixels.
            np.testing.assert_allclose(outputs["texture"][number, row, column], sample, atol=0.6)
        assert (outputs["texture"][number].numpy()[~mask[..., 0]] == 0).all()


def test_a_network_with_a_larger_texture_is_trained_and_saved(larger, images, tmp_path):
    larger.save(tmp_path / "larger.keras")
    loaded = keras.models.load_model(tmp_path / "larger.keras")
    for name, values in larger(images).items():
        np.testing.assert_array_equal(loaded(images)[name], values)
    loaded.compile(keras.optimizers.SGD(1e-9), loss={"texture": "mse"})
    before = [weight.numpy() for weight in loaded.get_layer("localiser").trainable_weights]
    target = {"texture": np.zeros((2, 40, 40, 3), np.float32)}
    history = loaded.fit(images, target, batch_size=2, epochs=2, verbose=0).history
    after = loaded.get_layer("localiser").trainable_weights
    assert any((b != a.numpy()).any() for b, a in zip(before, after, strict=True))
    assert history["loss"][1] < history["loss"][0]


def test_the_grids_own_size_has_no_further_layers(images):
    square = toy_grid_model((32, 32))
    plain, same = small_network(square), small_network(square, texture_size=32)
    names = [[layer.name for layer in network.layers] for network in (plain, same)]
    assert names[0] == names[1]
    np.testing.assert_array_equal(same(images)["texture"], plain(images)["texture"])


def test_a_texture_size_out_of_range_is_refused(grid_model):
    with pytest.raises(ValueError, match="texture size from 32 to 2048 pixels"):
        spatial_transformer(grid_model, small_backbone(), image_size=SIZE, texture_size=16)


def test_new_network_shows_the_mean_face_upright(grid_model):
    fresh = spatial_transformer(grid_model, small_backbone(), image_size=SIZE)
    # A photograph whose red grows to the right and whose green grows downwards.
    y, x = np.mgrid[:SIZE, :SIZE]
    photograph = np.stack([5 * x, 5 * y, 0 * x], axis=-1)[None].astype("float32")
    outputs = fresh(photograph)
    texture, mask = np.asarray(outputs["texture"])[0], np.asarray(outputs["mask"])[0, :, :, 0]
    red, green = (np.where(mask == 1, texture[..., channel], np.nan) for channel in (0, 1))
    assert np.nanmean(red[:, :6]) < np.nanmean(red[:, 6:]) - 20
    assert np.nanmean(green[:8]) < np.nanmean(green[8:]) - 20
    brow, chin = outputs["landmarks"][0, 19], outputs["landmarks"][0, 8]
    assert brow[1] < chin[1]
    image_left_eye, image_right_eye = outputs["landmarks"][0, 36], outputs["landmarks"][0, 45]
    assert image_left_eye[0] < image_right_eye[0]


def test_landmark_sets_are_selected_by_name(grid_model, images):
    assert small_network(grid_model, landmarks="aflw21")(images)["landmarks"].shape == (2, 21, 2)


def test_rejects_an_unknown_landmark_set(grid_model):
    with pytest.raises(
        ValueError, match="landmark sets 'ibug68', 'aflw21' of the face model, received 'wflw98'"
    ):
        spatial_transformer(grid_model, small_backbone(), image_size=SIZE, landmarks="wflw98")


def test_rejects_a_model_without_landmarks(grid_model):
    bare = GridModel(grid_model.mean, grid_model.basis, grid_model.grid_shape)
    with pytest.raises(ValueError, match="landmark sets none of the face model, received 'ibug68'"):
        spatial_transformer(bare, small_backbone(), image_size=SIZE)


def test_rejects_a_backbone_that_does_not_fit(grid_model):
    with pytest.raises(ValueError, match="expects a backbone with input of shape"):
        spatial_transformer(grid_model, small_backbone(), image_size=2 * SIZE)


def test_default_localiser_is_the_compact_one_at_224_pixels(grid_model):
    default = spatial_transformer(grid_model)
    assert default.input_shape == (None, 224, 224, 3)
    outputs = default(np.zeros((1, 224, 224, 3)))
    np.testing.assert_array_equal(outputs["parameters"][0, :3], [0, 0, 0])
    assert 500_000 < default.get_layer("localiser").count_params() < 1_000_000


@pytest.mark.parametrize("name", ["compact", "base"])
def test_a_backbone_has_a_name(name, grid_model):
    network = spatial_transformer(grid_model, name, 140)
    assert name in [layer.name for layer in network.get_layer("localiser").layers]
    with pytest.raises(ValueError, match=r"among compact, base or a keras\.Model, received 'big'"):
        spatial_transformer(grid_model, "big")


def test_geometry_stays_float32_under_a_mixed_policy(grid_model, images):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = small_network(grid_model)
    finally:
        keras.config.set_dtype_policy(before)
    outputs = mixed(images)
    assert {output.dtype for output in outputs.values()} == {tf.float32}
    # The head's float16 features move the pose a little. The geometry itself is as exact as ever.
    theta = np.asarray(outputs["parameters"])[0]
    shape = naive.shape_from_coefficients(theta[6:], grid_model.mean, grid_model.basis)
    rotation = naive.rotation_matrix(theta[:3])
    points = naive.camera(shape, rotation, theta[3:5], theta[5])
    expected = landmarks_of(grid_model, points, rotation)
    np.testing.assert_allclose(outputs["landmarks"][0], expected, atol=1e-3)


def test_network_survives_saving(model, images, tmp_path):
    model.save(tmp_path / "network.keras")
    loaded = keras.models.load_model(tmp_path / "network.keras")
    outputs, expected = loaded(images), model(images)
    assert outputs.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(outputs[name], value, err_msg=name)


def test_saved_model_gives_the_same_values_for_any_batch(model, rng, tmp_path):
    model.export(tmp_path / "saved_model", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved_model")
    for batch in (1, 3):
        images = rng.uniform(0, 255, (batch, SIZE, SIZE, 3)).astype("float32")
        outputs, expected = served.serve(images), model(images)
        assert outputs.keys() == expected.keys()
        for name, value in expected.items():
            # The graph may fuse what eager does step by step; textures have up to 255 levels.
            np.testing.assert_allclose(outputs[name], value, rtol=1e-4, atol=1e-2, err_msg=name)


def test_gradient_flows_from_the_texture_to_the_head(model, images):
    head = model.get_layer("localiser").get_layer("head")
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        loss = tf.reduce_mean(losses.symmetry_loss(outputs["texture"], outputs["mask"]))
    to_kernel, to_bias = tape.gradient(loss, [weight.value for weight in head.weights])
    assert loss > 0
    assert np.isfinite(to_kernel).all()
    assert np.count_nonzero(to_kernel) > 0
    assert np.all(np.asarray(to_bias) != 0), "rotation, translation, scale and every mode"


def test_the_morphable_model_is_not_trained(model):
    trained = {weight.path for weight in model.trainable_weights}
    assert trained
    assert not any("morphable_model" in path for path in trained)


def test_network_compiles_and_fits_on_landmarks_alone(grid_model, images):
    trained = small_network(grid_model)
    labels = np.concatenate([trained(images)["landmarks"] + 3.0, np.ones((2, 68, 1))], axis=-1)
    trained.compile(
        keras.optimizers.Adam(1e-3), loss={"landmarks": losses.LandmarkLoss()}, jit_compile=False
    )
    history = trained.fit(images, {"landmarks": labels}, epochs=10, verbose=0).history["loss"]
    np.testing.assert_allclose(history[0], 68 * (3**2 + 3**2), rtol=1e-3)
    assert history[-1] < 0.5 * history[0]


def test_layers_are_called_the_same_in_every_network(grid_model):
    first, second = small_network(grid_model), small_network(grid_model)
    names = [layer.name for layer in first.layers]
    assert names == [layer.name for layer in second.layers]
    assert {"localiser", "morphable_model", "bilinear_sampler", "landmarks", "texture"} <= set(
        names
    )
    assert not [name for name in names if name.rsplit("_", 1)[-1].isdigit()]


def test_the_former_name_of_the_backbone_warns(grid_model):
    with pytest.warns(DeprecationWarning, match=r"backbone=") as warnings:
        model = spatial_transformer(grid_model, localiser=small_backbone(), image_size=SIZE)
    assert warnings[0].filename == __file__
    assert model.input_shape == (None, SIZE, SIZE, 3)
    with pytest.raises(TypeError, match="both `backbone` and its former name"):
        spatial_transformer(
            grid_model, small_backbone(), image_size=SIZE, localiser=small_backbone()
        )


def test_masks_are_by_depth_unless_told_otherwise(grid_model):
    assert small_network(grid_model).get_layer("mask").method == "depth"
