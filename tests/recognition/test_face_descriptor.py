"""Descriptors of texture and shape: what their products are, and what is refused."""

import keras
import numpy as np
import pytest

from keras_3dmmstn.recognition import FaceDescriptor, descriptor_network


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return descriptor_network(32, channels=4, length=16)


def faces(rng, count=3):
    textures = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
    return textures, rng.uniform(size=(count, 32, 32)) > 0.3, rng.normal(size=(count, 5))


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("weight", [0.0, 0.25, 2.0])
def test_a_product_is_the_weighted_mean_of_the_cosines_of_texture_and_shape(weight, network, rng):
    mean, directions = rng.normal(size=5), rng.normal(size=(5, 4))
    textures, masks, identity = faces(rng)
    found = FaceDescriptor(network, mean, directions, weight)(textures, masks, identity)
    assert found.shape == (3, 16 + 4) and found.dtype == np.float32
    looks = []
    for texture, mask in zip(textures, masks, strict=True):
        picture = np.concatenate([texture, np.where(mask, 255, 0)[..., None]], -1).astype("float32")
        views = [np.asarray(network(view[None]))[0] for view in (picture, picture[:, ::-1])]
        looks.append(sum(view / np.linalg.norm(view) for view in views))
    shapes = (identity - mean) @ directions
    for a in range(3):
        for b in range(3):
            both = cosine(looks[a], looks[b]) + weight * cosine(shapes[a], shapes[b])
            assert found[a] @ found[b] == pytest.approx(both / (1 + weight), abs=1e-5)


def test_a_reflection_describes_the_same_person(network, rng):
    describe = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.1)
    textures, masks, identity = faces(rng)
    reflected = describe(textures[:, :, ::-1], masks[:, :, ::-1], identity)
    np.testing.assert_allclose(reflected, describe(textures, masks, identity), atol=1e-6)


def test_many_faces_are_described_as_each_alone(network, rng):
    describe = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.1)
    textures, masks, identity = faces(rng, 130)
    together = describe(textures, masks, identity)
    alone = describe(textures[128:129], masks[128:129], identity[128:129])
    np.testing.assert_allclose(together[128:129], alone, atol=1e-5)
    assert describe(textures[:0], masks[:0], identity[:0]).shape == (0, 21)


def test_what_is_saved_is_loaded(network, rng, tmp_path):
    describe = FaceDescriptor(network, rng.normal(size=5), rng.normal(size=(5, 4)), 0.3)
    describe.save(tmp_path / "mine")
    given = faces(rng)
    again = FaceDescriptor.load(tmp_path / "mine")(*given)
    np.testing.assert_allclose(again, describe(*given), atol=1e-6)  # one processor or several
    with pytest.raises(FileNotFoundError):
        FaceDescriptor.load(tmp_path / "nowhere")


def test_what_does_not_go_together_is_refused(network, rng):
    with pytest.raises(ValueError, match=r"received \(4,\) and \(5, 5\)"):
        FaceDescriptor(network, np.zeros(4), np.eye(5), 0.1)
    with pytest.raises(ValueError, match="a weight of at least 0"):
        FaceDescriptor(network, np.zeros(5), np.eye(5), -1)
    with pytest.raises(ValueError, match="4 channels"):
        FaceDescriptor(descriptor_network(32), np.zeros(5), np.eye(5), 0.1)
    describe = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.1)
    textures, masks, identity = faces(rng)
    with pytest.raises(ValueError, match=r"FaceDescriptor expects textures, masks and identity"):
        describe(textures, masks, identity[:2])


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_a_weight_that_is_not_finite_is_refused(network, rng, weight):
    with pytest.raises(ValueError, match="a weight of at least 0"):
        FaceDescriptor(network, np.zeros(5), np.eye(5), weight)


def test_a_mean_that_is_not_finite_is_refused(network):
    with pytest.raises(ValueError, match="not finite numbers"):
        FaceDescriptor(network, np.full(5, np.nan), np.eye(5), 0.4)


def test_a_network_of_other_pictures_is_refused():
    oblong = keras.Sequential([keras.Input((32, 48, 4)), keras.layers.GlobalMaxPooling2D()])
    for network in (oblong, "network"):
        with pytest.raises(ValueError, match="a network of square pictures"):
            FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4)


def test_levels_and_masks_of_other_types_are_refused(network):
    describe = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4)
    side = describe.size
    textures, masks = np.zeros((1, side, side, 3), np.uint8), np.ones((1, side, side), bool)
    identity = np.ones((1, 5))
    assert describe(textures, masks, identity).shape[0] == 1
    for wrong in (
        (textures / 255, masks, identity),
        (textures, 255 * masks.astype(np.uint8), identity),
        (textures, masks, identity * np.nan),
    ):
        with pytest.raises(ValueError, match="textures of uint8, masks of bool and a finite"):
            describe(*wrong)
    with pytest.raises(ValueError, match="of shapes"):
        describe(1, 2, 3)


def _cut(path):
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize(
    ("name", "damage", "error"),
    [
        ("descriptor.npz", _cut, ValueError),
        ("descriptor.keras", _cut, ValueError),
        ("descriptor.npz", lambda path: path.write_bytes(b""), ValueError),
        ("descriptor.npz", lambda path: np.savez(path, mean=np.zeros(5)), ValueError),
        (
            "descriptor.npz",
            lambda path: np.savez(path, mean=[0.0], directions=[[1.0]], weight=[1.0, 2.0]),
            ValueError,
        ),
        ("descriptor.npz", lambda path: path.unlink(), FileNotFoundError),
        ("descriptor.keras", lambda path: path.unlink(), FileNotFoundError),
    ],
)
def test_damaged_and_missing_files_are_named(network, tmp_path, name, damage, error):
    FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4).save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(error, match=name):
        FaceDescriptor.load(tmp_path)
