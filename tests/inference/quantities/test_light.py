"""Light and sharpness of textures that are made up."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.quantities.light import light, sharpness

SIZE = 128
ALL = np.ones((SIZE, SIZE), bool)


@pytest.fixture
def luma():
    """Noise of many sizes, of an even brightness."""
    noise = np.random.default_rng(0).normal(0, 40, (SIZE, SIZE)).astype(np.float32)
    return np.clip(128 + noise + 3 * cv2.GaussianBlur(noise, (0, 0), 3), 0, 255).astype(np.uint8)


def test_brightness_and_contrast_are_those_of_what_is_seen():
    luma = np.full((SIZE, SIZE), 255, np.uint8)
    mask = np.zeros_like(ALL)
    mask[10, 10:13], luma[10, 10:13] = True, (10, 20, 60)
    brightness, contrast, difference = light(luma, mask)
    assert brightness == pytest.approx(30)
    assert contrast == pytest.approx(np.sqrt((400 + 100 + 900) / 3))
    assert difference is None


def test_the_light_difference_is_positive_where_the_left_is_brighter():
    luma = np.full((SIZE, SIZE), 100, np.uint8)
    luma[:, : SIZE // 2] = 130
    assert light(luma, ALL).light_difference == pytest.approx(30)


def test_sides_are_compared_where_both_are_seen():
    luma, mask = np.full((SIZE, SIZE), 100, np.uint8), ALL.copy()
    luma[:64, :64], mask[:64, 64:] = 250, False
    assert light(luma, mask).light_difference == pytest.approx(0)
    mask[:, 70:] = False  # 6 columns of 64 are left, in half of the rows
    assert light(luma, mask).light_difference is None


def test_nothing_seen_has_no_light_and_no_sharpness():
    luma = np.zeros((SIZE, SIZE), np.uint8)
    assert light(luma, ~ALL) is None
    assert sharpness(luma, ~ALL) is None


def test_one_colour_is_not_sharp():
    assert sharpness(np.full((SIZE, SIZE), 77, np.uint8), ALL) == 0


def test_the_more_blurred_the_less_sharp(luma):
    blurred = [luma, *(cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (0.5, 1, 2, 4))]
    values = [sharpness(picture, ALL) for picture in blurred]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.5 > 0.25 > values[3] > values[4] > 0


def test_sharpness_of_a_wave_is_what_the_blur_takes_of_it():
    # A Gaussian of deviation σ damps a wave of frequency k to exp(−σ² k² / 2); its square counts.
    k = 2 * np.pi / 16
    wave = 128 + 100 * np.sin(k * np.arange(SIZE))
    luma = np.repeat(wave[None], SIZE, axis=0).astype(np.float32)
    inner = np.zeros_like(ALL)
    inner[:, 16:-16] = True
    expected = 1 - np.exp(-(k**2))
    assert sharpness(luma, inner) == pytest.approx(expected, abs=0.02)


def test_neither_contrast_nor_brightness_counts(luma):
    flat = luma * 0.3 + 90
    assert sharpness(flat.astype(np.float32), ALL) == pytest.approx(sharpness(luma, ALL), abs=1e-3)


def test_what_is_hidden_does_not_count(luma):
    mask = ALL.copy()
    mask[30:60, 20:90] = False
    black, white = luma.copy(), luma.copy()
    black[~mask], white[~mask] = 0, 255
    assert sharpness(black, mask) == pytest.approx(sharpness(white, mask), abs=1e-9)
