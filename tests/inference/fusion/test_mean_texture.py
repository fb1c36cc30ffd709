"""Means of textures: against loops, and of one picture seen in different ways."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.fusion.mean_texture import (
    evened_light,
    mean_texture,
    plain_mean,
    robust_mean,
    weighted_mean,
)
from tests.support.faces_with_labels import BOX, normaliser_that_says

SIZE = 24


@pytest.fixture(scope="module")
def face():
    photograph = np.random.default_rng(0).integers(0, 256, (200, 240, 3)).astype(np.uint8)
    return normaliser_that_says()(photograph, [BOX])[0]


def seen_as(face, texture, mask=None):
    """The face with another texture, seen where the mask says."""
    mask = np.ones(texture.shape[:2], bool) if mask is None else mask
    return replace(face, texture=texture * mask[..., None].astype(np.uint8), mask=mask)


def patches(rng, size):
    """A smooth picture with something in it everywhere, (size, size, 3) in 60..180."""
    noise = cv2.GaussianBlur(rng.normal(size=(size, size, 3)), (0, 0), size / 32)
    return 120 + 60 * np.clip(noise / (3 * noise.std()), -1, 1)


def test_a_plain_mean_is_weighted_by_visibility(face):
    half, neither = np.ones((2, SIZE, SIZE), bool)
    half[:, 12:], neither[0] = False, False
    hundred = np.full((SIZE, SIZE, 3), 100, np.uint8)
    mean = plain_mean(
        [seen_as(face, hundred, neither), seen_as(face, hundred // 2, half & neither)]
    )
    assert (mean[1:, :12] == 75).all()  # the mean of 100 and 50
    assert (mean[1:, 12:] == 100).all()  # the only one that sees it
    assert (mean[0] == 0).all()  # no one does


@pytest.mark.parametrize("mean", [plain_mean, mean_texture])
def test_the_mean_of_no_texture_is_refused(mean):
    with pytest.raises(ValueError, match="at least one face to average, received none"):
        mean([])


def test_a_weighted_mean_is_that_of_a_loop(rng):
    textures, weights = rng.uniform(0, 255, (3, 4, 5, 3)), rng.uniform(0, 2, (3, 4, 5))
    weights[:, 1, 2] = 0
    mean = weighted_mean(textures.astype(np.float32), weights.astype(np.float32))
    for place in np.ndindex(4, 5):
        total = sum(weights[(n, *place)] for n in range(3))
        expected = [
            sum(weights[(n, *place)] * textures[(n, *place, k)] for n in range(3)) / total
            if total
            else 0
            for k in range(3)
        ]
        np.testing.assert_allclose(mean[place], expected, rtol=1e-4)


def test_a_robust_mean_hardly_counts_a_hand_before_the_face(rng):
    textures = (patches(rng, 48) + rng.normal(0, 2, (9, 48, 48, 3))).astype(np.float32)
    clean = textures.mean(axis=0)
    textures[4, 10:30, 10:30] = 250
    weights = np.ones((9, 48, 48), np.float32)
    plain, robust = weighted_mean(textures, weights), robust_mean(textures, weights)
    hand = np.s_[10:30, 10:30]
    assert np.abs(plain[hand] - clean[hand]).mean() > 10
    assert np.abs(robust[hand] - clean[hand]).mean() < 1


def test_textures_that_agree_have_themselves_as_robust_mean(rng):
    texture = patches(rng, 20).astype(np.float32)
    mean = robust_mean(np.stack([texture] * 3), np.ones((3, 20, 20), np.float32))
    np.testing.assert_allclose(mean, texture, rtol=1e-5)


def test_light_is_evened_where_a_texture_is_seen(rng):
    reference = patches(rng, 30)
    weights = rng.uniform(0.5, 1, (2, 30, 30))
    weights[0, :, 20:] = 0
    light = [(reference - 100) * 0.5 + 60, (reference - 100) * 2 + (10, 20, 30)]
    light[0][:, 20:] = 0
    evened, gains = evened_light(light, weights, reference)
    np.testing.assert_allclose(evened[0, :, :20], reference[:, :20], rtol=1e-4)
    np.testing.assert_allclose(evened[1], reference, rtol=1e-4)
    np.testing.assert_allclose(gains, 1, rtol=1e-5)  # the geometric mean of 2 and 1/2


def test_the_mean_of_one_face_is_its_texture(face):
    np.testing.assert_allclose(mean_texture([face]).astype(int), face.texture, atol=1)


def test_a_face_that_no_one_sees_is_black(face):
    hidden = replace(face, mask=np.zeros_like(face.mask), texture=np.zeros_like(face.texture))
    assert not mean_texture([hidden, hidden]).any()


def test_different_light_neither_blurs_nor_flattens_the_mean(face, rng):
    picture = patches(rng, SIZE)
    lights = [(picture - 120) * gain + 120 + shift for gain, shift in ((0.5, -20), (1, 0), (2, 20))]
    faces = [seen_as(face, np.round(light).clip(0, 255).astype(np.uint8)) for light in lights]
    mean = mean_texture(faces, align=False).astype(float)
    expected = (picture - picture.mean((0, 1))) + mean.mean((0, 1))
    np.testing.assert_allclose(mean, expected, atol=6)
    assert mean.std() == pytest.approx(picture.std(), rel=0.1)


def test_alignment_sharpens_what_the_fits_have_shifted(face, rng):
    size = 128
    picture = patches(rng, size)
    moves = [(dx, dy) for dx in (-3, 0, 3) for dy in (-2, 2)]
    faces = [
        seen_as(face, np.round(np.roll(picture, move, axis=(1, 0))).astype(np.uint8))
        for move in moves
    ]
    blurred, sharp = (mean_texture(faces, align=align).astype(float) for align in (False, True))
    energies = [
        (np.diff(texture[20:-20, 20:-20], axis=1) ** 2).mean()
        for texture in (blurred, picture, sharp)
    ]
    assert energies[0] < 0.7 * energies[1] < energies[2] < 1.1 * energies[1]
