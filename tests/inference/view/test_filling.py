"""Hidden halves of faces, filled from the other half."""

import numpy as np
import pytest

from keras_3dmmstn.inference.view.filling import check_fill, fill_hidden, filled_texture

SIZES = [33, 112, 150]


def symmetric_face(size):
    """Returns a picture `(size, size, 3)` that is its own mirror image, with some detail."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    detail = np.cos(9 * np.abs(x) + 5 * y) + np.cos(14 * y) * np.cos(11 * x)
    return np.stack([150 + 20 * detail, 110 + 15 * detail, 90 + 12 * detail], axis=-1)


def half_hidden(size):
    """Returns a mask that hides most of the image-right half."""
    return (
        np.arange(size)[None, :] < 0.65 * size + 0.03 * size * np.sin(np.arange(size) / 5)[:, None]
    )


def filled(texture, mask):
    return filled_texture(texture, mask, np.ones(mask.shape, np.float32))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("gain", [(1.0, 1.0, 1.0), (0.6, 0.6, 0.6), (1.4, 1.3, 1.2)])
def test_a_symmetric_face_in_light_that_differs_by_a_factor_is_recovered(size, gain):
    # The light differs between the sides, and changes in the middle, where both are seen.
    x = np.linspace(-1, 1, size)[None, :, None]
    share = np.clip(0.5 + x / 0.1, 0, 1)
    face = np.clip(symmetric_face(size) * (1 + share * (np.array(gain) - 1)), 0, 255)
    face, mask = np.round(face).astype(np.uint8), half_hidden(size)
    result = filled(np.where(mask[..., None], face, 0).astype(np.uint8), mask)
    difference = np.abs(result.astype(int) - face)[~mask]
    # Of 33 texels only five on each side of the middle are seen twice.
    mean, most = (4, 16) if size > 100 else (9, 28)
    assert difference.mean() < mean and np.quantile(difference, 0.99) < most


def test_a_symmetric_face_in_even_light_is_recovered_to_a_level():
    face, mask = np.round(symmetric_face(112)).astype(np.uint8), half_hidden(112)
    result = filled(np.where(mask[..., None], face, 0).astype(np.uint8), mask)
    assert np.abs(result.astype(int) - face)[~mask].max() <= 1


@pytest.mark.parametrize("size", SIZES)
def test_what_is_seen_stays_as_it_is(size, rng):
    texture = rng.integers(0, 256, (size, size, 3), np.uint8)
    mask = half_hidden(size) & (rng.random((size, size)) < 0.9)
    result = filled_texture(texture, mask, rng.random((size, size)).astype(np.float32))
    np.testing.assert_array_equal(result[mask], texture[mask])


def test_a_texture_that_is_all_seen_stays_and_one_that_is_all_hidden_is_black(rng):
    texture = rng.integers(0, 256, (40, 40, 3), np.uint8)
    everything = np.ones((40, 40), bool)
    np.testing.assert_array_equal(filled(texture, everything), texture)
    assert (filled(np.zeros_like(texture), ~everything) == 0).all()


def test_what_both_sides_hide_comes_from_around():
    texture = np.full((60, 60, 3), (180, 120, 90), np.uint8)
    mask = np.ones((60, 60), bool)
    mask[25:35, 20:40] = False  # a nose from below
    result = filled(np.where(mask[..., None], texture, 0).astype(np.uint8), mask)
    np.testing.assert_allclose(result, texture, atol=1)


def test_no_seam_runs_along_the_border():
    # The hidden side is darker by more than light explains, as under a cap.
    face, mask = np.round(symmetric_face(112)), half_hidden(112)
    dark = np.where(np.arange(112)[None, :, None] > 56, face * 0.3, face)
    texture = np.where(mask[..., None], dark, 0).astype(np.uint8)
    result = filled(texture, mask).astype(int)
    steps = np.abs(np.diff(result, axis=1)).max(axis=-1)
    across = mask[:, :-1] & ~mask[:, 1:]
    inside = mask[:, 1:] & (np.arange(111) > 62)
    assert steps[across].max() <= 3 * steps[inside].max()
    unblended = np.abs(dark - face[:, ::-1]).max(axis=-1)[:, 1:][across]
    assert steps[across].max() < 0.3 * unblended.max()


def test_one_pixel_of_the_background_does_not_colour_the_face():
    face, mask = np.round(symmetric_face(112)).astype(np.uint8), half_hidden(112)
    column = int(mask[56].sum()) - 1
    spoiled = face.copy()
    spoiled[56, column] = (0, 0, 255)
    clean, stained = (
        filled(np.where(mask[..., None], texture, 0).astype(np.uint8), mask).astype(int)
        for texture in (face, spoiled)
    )
    changed = np.abs(stained - clean).max(axis=-1)
    assert changed[~mask].max() <= 36 + 12  # the most that a border may pull
    assert np.count_nonzero(changed[~mask] > 8) < 60


def test_a_picture_without_any_seen_pixel_is_black():
    empty, nothing = np.zeros((20, 20, 3), np.float32), np.zeros((20, 20), np.float32)
    assert (fill_hidden(empty + 9, nothing, empty, nothing) == 0).all()


def test_an_unknown_fill_is_refused():
    check_fill(None)
    check_fill("mirror")
    with pytest.raises(ValueError, match=r"None or one of 'mirror', received 'inpaint'"):
        check_fill("inpaint")
