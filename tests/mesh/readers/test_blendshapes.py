"""Blend shapes as modes of unit variance."""

import numpy as np

from keras_3dmmstn.mesh.readers.blendshapes import modes_from_blendshapes


def test_modes_have_the_covariance_of_the_activations():
    rng = np.random.default_rng(0)
    offsets = rng.normal(size=(3, 5, 3))
    factor = rng.normal(size=(3, 3))
    covariance = factor @ factor.T
    modes = modes_from_blendshapes(offsets, covariance).reshape(3, -1)
    flat = offsets.reshape(3, -1)
    np.testing.assert_allclose(modes.T @ modes, flat.T @ covariance @ flat, atol=1e-9)
    # Principal modes: orthogonal, the longest first.
    gram = modes @ modes.T
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-9)
    assert (np.diff(np.diag(gram)) < 0).all()


def test_only_the_region_decides_the_order():
    offsets = np.zeros((2, 4, 3))
    offsets[0, 0] = 2  # moves the region
    offsets[1, 1] = 1
    offsets[1, 3] = 50  # moves what is outside
    modes = modes_from_blendshapes(offsets, np.eye(2) / 4, slice(0, 2))
    np.testing.assert_allclose(modes, offsets / 2, atol=1e-9)


def test_positive_coefficients_activate():
    offsets = np.random.default_rng(1).normal(size=(4, 6, 3))
    modes = modes_from_blendshapes(offsets, np.eye(4)).reshape(4, -1)
    activations = np.linalg.lstsq(offsets.reshape(4, -1).T, modes.T, rcond=None)[0]
    assert (activations[np.abs(activations).argmax(axis=0), range(4)] > 0).all()


def test_no_blend_shapes():
    assert modes_from_blendshapes(np.zeros((0, 5, 3)), np.zeros((0, 0))).shape == (0, 5, 3)
