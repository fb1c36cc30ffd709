"""Descriptors of texture and shape: what their products are, and what is refused."""

import copy
import io
import os
import pickle
import zipfile

import keras
import numpy as np
import pytest

from keras_3dmmstn import forked_process
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


def _without(path, name, instead=None):
    """Takes a member out of an archive, or puts something in its place."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members[name] = instead
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            if content is not None:
                archive.writestr(member, content)


def _of_many(path):
    """Makes an archive whose mean says that it has a trillion numbers."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**12,)}
    with io.BytesIO() as content:
        np.lib.format.write_array_header_1_0(content, header)
        _without(path, "mean.npy", content.getvalue())


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
        ("descriptor.keras", lambda path: _without(path, "config.json"), ValueError),
        ("descriptor.keras", lambda path: _without(path, "model.weights.h5"), ValueError),
        ("descriptor.keras", lambda path: _without(path, "model.weights.h5", b"none"), ValueError),
        ("descriptor.keras", lambda path: _without(path, "config.json", b"[]"), ValueError),
        ("descriptor.npz", lambda path: _of_many(path), ValueError),
        ("descriptor.npz", lambda path: path.unlink(), FileNotFoundError),
        ("descriptor.keras", lambda path: path.unlink(), FileNotFoundError),
    ],
)
def test_damaged_and_missing_files_are_named(network, tmp_path, name, damage, error):
    FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4).save(tmp_path)
    damage(tmp_path / name)
    with pytest.raises(error, match=name):
        FaceDescriptor.load(tmp_path)


def test_a_descriptor_that_was_used_is_pickled_and_copied(network, rng):
    describe, given = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4), faces(rng)
    expected = describe(*given)
    for again in (pickle.loads(pickle.dumps(describe)), copy.deepcopy(describe)):
        np.testing.assert_allclose(again(*given), expected, atol=1e-6)


def test_a_process_that_was_forked_after_use_says_so(network, rng, monkeypatch):
    describe = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4)
    assert [os.getpid()] == forked_process._FIRST_PROCESS
    monkeypatch.setattr(forked_process.os, "getpid", lambda: 123_456_789)
    with pytest.raises(RuntimeError, match="Process 123456789 was forked"):
        describe(*faces(rng))


def test_what_is_cut_off_while_it_is_written_leaves_what_there_was(network, tmp_path, monkeypatch):
    FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4).save(tmp_path)
    other = FaceDescriptor(network, np.ones(5), np.eye(5), 0.4)
    before = (tmp_path / "descriptor.npz").read_bytes()

    def cut(path, **arrays):
        path.write_bytes(b"PK")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", cut)
    with pytest.raises(KeyboardInterrupt):
        other.save(tmp_path)
    assert (tmp_path / "descriptor.npz").read_bytes() == before


def test_weights_that_are_not_finite_are_refused(network):
    twin = keras.models.clone_model(network)
    twin.set_weights([weight * np.nan for weight in network.get_weights()])
    with pytest.raises(ValueError, match="a network of finite weights, received NaN"):
        FaceDescriptor(twin, np.zeros(5), np.eye(5), 0.4)


def test_networks_that_give_something_else_are_refused():
    picture, free = keras.Input((32, 32, 4)), keras.Input((None, None, 4))
    one = keras.layers.GlobalMaxPooling2D()
    for end in (
        keras.Model(picture, keras.layers.Conv2D(2, 3)(picture)),
        keras.Model(picture, [one(picture), one(picture)]),
        keras.Model(free, one(free)),
        keras.Model(fixed := keras.Input((32, 32, 4), batch_size=2), one(fixed)),
    ):
        with pytest.raises(ValueError, match="to one descriptor of each, received one from"):
            FaceDescriptor(end, np.zeros(5), np.eye(5), 0.4)


def test_arrays_of_other_numbers_are_refused(network, rng):
    for wrong in (np.zeros(5) + 1j, ["a"] * 5):
        with pytest.raises(ValueError, match="expects real numbers as mean"):
            FaceDescriptor(network, wrong, np.eye(5), 0.4)
    describe = FaceDescriptor(network, np.zeros(5), np.eye(5), 0.4)
    textures, masks, identity = faces(rng)
    for wrong in (identity.astype(object), identity + 1j, identity.astype(str)):
        with pytest.raises(ValueError, match="a finite identity"):
            describe(textures, masks, wrong)


def test_lengths_are_1_where_squares_overflow(rng):
    picture = keras.Input((32, 32, 4))
    long = keras.layers.Dense(16, dtype="float16")(keras.layers.GlobalMaxPooling2D()(picture))
    describe = FaceDescriptor(keras.Model(picture, long), np.zeros(5), 1e30 * np.eye(5), 0.4)
    found = describe(*faces(rng))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
