"""Networks that begin with saved weights."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_3dmmstn import GridModel, Normaliser, build_localiser, spatial_transformer
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network.pretrained import load_localiser, load_weights

SIZE = 48


def small_localiser(grid_model, features=4):
    backbone = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            keras.layers.Conv2D(features, 5, strides=4),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    localiser = build_localiser(backbone, grid_model, SIZE)
    rng = np.random.default_rng(features)
    localiser.set_weights([rng.normal(0, 0.1, w.shape) for w in localiser.get_weights()])
    return localiser


@pytest.fixture(scope="module")
def grid_model():
    return toy_grid_model((16, 12))


@pytest.fixture
def run(grid_model, tmp_path):
    """The folder of a run."""
    Normaliser(small_localiser(grid_model), grid_model).save(tmp_path / "run")
    return tmp_path / "run"


def test_the_bundled_weights_make_the_bundled_normaliser(rng):
    network = spatial_transformer(GridModel.bundled(), weights="pretrained")
    image = rng.uniform(0, 255, (1, 224, 224, 3)).astype(np.float32)
    expected = Normaliser.pretrained().fit(image)
    outputs = network(image, training=False)
    # Translations are some 100 pixels: ten roundings of float32 are 1e-4 of them.
    np.testing.assert_allclose(outputs["parameters"], expected.parameters, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(outputs["landmarks"], expected.landmarks("ibug68"), atol=1e-3)


def test_weights_come_from_a_file_or_from_the_folder_of_a_run(grid_model, run):
    saved = small_localiser(grid_model).get_weights()
    for source in (run, run / "localiser.keras"):
        localiser = build_localiser(small_localiser(grid_model).layers[1], grid_model, SIZE)
        assert np.any(localiser.get_weights()[-1] != saved[-1])
        load_weights(localiser, source, grid_model)
        for received, expected in zip(localiser.get_weights(), saved, strict=True):
            np.testing.assert_array_equal(received, expected)


def test_a_face_model_that_moved_leaves_what_the_weights_say_of_an_image(grid_model, run, rng):
    moved = dataclasses.replace(grid_model, mean=1.1 * grid_model.mean + np.float32([3, -2, 0]))
    saved = load_localiser(run / "localiser.keras")
    localiser = build_localiser(small_localiser(grid_model).layers[1], moved, SIZE)
    image = rng.uniform(0, 255, (2, SIZE, SIZE, 3)).astype(np.float32)
    before = localiser.predict(image, verbose=0)
    load_weights(localiser, run)
    expected = saved.predict(image, verbose=0)
    assert np.abs(before - expected)[:, 3:6].max() > 0.05
    np.testing.assert_allclose(localiser.predict(image, verbose=0), expected, atol=1e-4)


def test_weights_of_another_architecture_are_refused(grid_model, run):
    with pytest.raises(ValueError, match=r"localiser\.keras: .* architecture"):
        load_weights(small_localiser(grid_model, features=5), run)


@pytest.mark.parametrize("change", [{"name": "another"}, {"identity_count": 2}])
def test_weights_for_another_face_model_are_refused(change, grid_model, run):
    other = dataclasses.replace(grid_model, **change)
    with pytest.raises(ValueError, match=f"trained with, {next(iter(change))} .*, received one"):
        load_weights(small_localiser(grid_model), run, other)


def test_modes_in_another_order_are_refused_but_refined_ones_are_not(grid_model, run, rng):
    turned = dataclasses.replace(grid_model, basis=grid_model.basis[::-1].copy())
    with pytest.raises(ValueError, match="received one whose mode 0 is another"):
        load_weights(small_localiser(grid_model), run, turned)
    noise = rng.normal(0, 0.1 * grid_model.basis.std(), grid_model.basis.shape)
    refined = dataclasses.replace(grid_model, basis=grid_model.basis + noise)
    load_weights(small_localiser(grid_model), run, refined)


def test_the_bundled_weights_are_of_the_compact_localiser(grid_model):
    with pytest.raises(ValueError, match="compact localiser, received a `backbone`"):
        backbone = small_localiser(grid_model).layers[1]
        spatial_transformer(grid_model, backbone, SIZE, weights="pretrained")


def test_the_bundled_weights_do_not_go_with_another_face_model(grid_model):
    with pytest.raises(ValueError, match="face model that these weights were trained with"):
        spatial_transformer(grid_model, weights="pretrained")


def test_a_file_that_is_not_there_is_named(grid_model, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none\.keras"):
        load_weights(small_localiser(grid_model), tmp_path / "none.keras")


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5:UserWarning")
def test_hdf5_is_not_read(grid_model, tmp_path):
    small_localiser(grid_model).save(tmp_path / "localiser.h5")
    with pytest.raises(ValueError, match=r"localiser\.h5: expected .* or is no \.keras file"):
        load_localiser(tmp_path / "localiser.h5")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "localiser.keras").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match=r"expected a localiser that Keras saved, received"):
        load_localiser(tmp_path / "localiser.keras")
