"""Blending: each texture where it is best, in one light, without seams and outliers."""

import cv2
import numpy as np

from keras_3dmmstn.inference.fusion.blending import blend_textures

SIDE = 128


def skin(rng):
    """A texture of smooth patches."""
    patches = rng.uniform(90, 170, (9, 9, 3)).astype(np.float32)
    return cv2.resize(patches, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 255)


def halves():
    """Weights of a texture that shows the left and one that shows the right, and the middle."""
    columns = np.linspace(0, 1, SIDE, dtype=np.float32)[None].repeat(SIDE, axis=0)
    left, right = np.clip(1.2 - 2 * columns, 0, 1), np.clip(2 * columns - 0.8, 0, 1)
    return np.stack([left, right])


def blend(textures, weights, reference=0):
    weights = np.asarray(weights, np.float32)
    return blend_textures(
        [np.round(t).clip(0, 255).astype(np.uint8) for t in textures],
        weights,
        (weights > 0).astype(np.float32),
        reference,
    )


def test_one_texture_stays_as_it_is(rng):
    texture = skin(rng)
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[20:100, 10:90] = 0.3
    blended, known = blend([texture], [mask])
    np.testing.assert_array_equal(known, mask > 0)
    np.testing.assert_allclose(blended[known], np.round(texture)[known], atol=1)
    assert not blended[~known].any()


def test_what_is_seen_in_any_texture_is_known(rng):
    texture, weights = skin(rng), halves()
    blended, known = blend([texture, texture], weights)
    assert known.all()
    assert np.abs(blended.astype(float) - texture)[8:-8, 8:-8].mean() < 3


def test_each_place_is_of_the_texture_that_shows_it_best(rng):
    texture, weights = skin(rng), halves()
    dots = [texture.copy(), texture.copy()]
    dots[0][58:66, 18:26] = 0  # well seen in the first
    dots[1][58:66, 102:110] = 0
    dots[1][20:24, 20:24] = 0  # not seen at all
    blended, _ = blend(dots, weights)
    assert blended[61:63, 21:23].max() < 30
    assert blended[61:63, 105:107].max() < 60
    assert np.abs(blended[20:24, 20:24] - texture[20:24, 20:24]).mean() < 6


def test_light_is_that_of_the_reference(rng):
    texture, weights = skin(rng), halves()
    weights[0][:, 80:] = 0
    dark = texture * np.array([0.6, 0.5, 0.4])
    blended, _ = blend([texture, dark], weights)
    right = np.s_[8:-8, 90:-8]
    assert (
        np.abs(blended[right].astype(float).mean((0, 1)) - texture[right].mean((0, 1))).max() < 12
    )
    step = np.abs(np.diff(blended[8:-8, 40:100].astype(float).mean(axis=(0, 2)))).max()
    assert step < 5, "no seam"
    other, _ = blend([texture, dark], weights, reference=1)
    assert other[right].mean() < 0.7 * texture[right].mean()


def test_many_have_the_light_of_their_mean(rng):
    texture = skin(rng)
    gains = np.linspace(0.5, 1.3, 9)
    blended, _ = blend([texture * gain for gain in gains], np.ones((9, SIDE, SIDE)))
    inner = np.s_[8:-8, 8:-8]
    np.testing.assert_allclose(blended[inner].mean(), 0.9 * texture[inner].mean(), rtol=0.06)


def test_an_outlier_among_many_counts_little(rng):
    texture = skin(rng)
    textures = [texture + rng.normal(0, 3, texture.shape) for _ in range(5)]
    textures[3][40:80, 40:80] = 10  # a hand
    blended, _ = blend(textures, np.ones((5, SIDE, SIDE)))
    assert np.abs(blended.astype(float) - texture)[45:75, 45:75].mean() < 5


def test_many_are_averaged(rng):
    texture = skin(rng)
    textures = [texture + rng.normal(0, 12, texture.shape) for _ in range(9)]
    blended, _ = blend(textures, np.ones((9, SIDE, SIDE)))
    assert np.abs(blended.astype(float) - texture)[8:-8, 8:-8].mean() < 6


def test_textures_that_show_nothing_do_no_harm(rng):
    texture = skin(rng)
    weights = np.stack([np.ones((SIDE, SIDE)), np.zeros((SIDE, SIDE))])
    blended, known = blend([texture, texture * 0], weights)
    assert known.all()
    np.testing.assert_allclose(blended, np.round(texture), atol=1)
    blended, known = blend([texture], np.zeros((1, SIDE, SIDE)))
    assert not known.any()
    assert not blended.any()
