"""The losses on pairs of photographs of one person, by themselves."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.network.identity_losses import identity_pair_loss, tied_identity_loss
from tests.support.gradients import assert_gradient_is_correct, gradients_of

IDENTITY = 3  # of five modes


def textures_and_masks(rng, batch):
    texture = rng.normal(size=(batch, 4, 5, 3))
    return texture, (rng.random((batch, 4, 5, 1)) > 0.3).astype(float)


def pairs_of(batch, reflected):
    """Which images are compared: of a, b, c, d ..., or of a, its reflection, b, its reflection."""
    if not reflected:
        return [(k, k + 1) for k in range(0, batch, 2)]
    return [(k + half, k + 2 + half) for k in range(0, batch, 4) for half in (0, 1)]


@pytest.mark.parametrize("reflected", [False, True])
def test_photographs_of_one_person_are_compared_texel_by_texel(reflected, rng):
    texture, mask = textures_and_masks(rng, 8)
    expected = []
    for one, other in pairs_of(8, reflected):
        total, count = 0.0, 0
        for row in range(4):
            for column in range(5):
                if mask[one, row, column, 0] and mask[other, row, column, 0]:
                    for channel in range(3):
                        place = row, column, channel
                        total += (texture[one][place] - texture[other][place]) ** 2
                        count += 1
        expected.append(total / count)
    loss = identity_pair_loss(tf.constant(texture), tf.constant(mask), reflected)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)


@pytest.mark.parametrize("reflected", [False, True])
def test_gradient_of_the_loss_on_textures(reflected, rng):
    texture, mask = textures_and_masks(rng, 4)
    assert_gradient_is_correct(
        lambda texture: identity_pair_loss(texture, tf.constant(mask), reflected), texture
    )


@pytest.mark.parametrize("reflected", [False, True])
def test_opposite_profiles_have_no_loss_and_no_gradient(reflected, rng):
    texture, mask = textures_and_masks(rng, 4)
    mask[:] = 0
    for one, other in pairs_of(4, reflected):
        mask[one, :, :2], mask[other, :, 3:] = 1, 1
    loss = identity_pair_loss(tf.constant(texture), tf.constant(mask), reflected)
    np.testing.assert_array_equal(loss, np.zeros(len(loss)))
    (gradient,) = gradients_of(
        lambda t: identity_pair_loss(t, tf.constant(mask), reflected), texture
    )
    np.testing.assert_array_equal(gradient, np.zeros_like(texture))


@pytest.mark.parametrize("reflected", [False, True])
def test_identities_are_tied_and_nothing_else(reflected, rng):
    alpha = rng.normal(size=(8, 5))
    expected = []
    for one, other in pairs_of(8, reflected):
        expected.append(sum((alpha[one, k] - alpha[other, k]) ** 2 for k in range(IDENTITY)))
    loss = tied_identity_loss(tf.constant(alpha), IDENTITY, reflected)
    np.testing.assert_allclose(loss, expected, rtol=1e-12)
    (gradient,) = gradients_of(lambda a: tied_identity_loss(a, IDENTITY, reflected), alpha)
    assert (np.asarray(gradient)[:, :IDENTITY] != 0).all()
    np.testing.assert_array_equal(np.asarray(gradient)[:, IDENTITY:], np.zeros((8, 2)))


@pytest.mark.parametrize("reflected", [False, True])
def test_gradient_of_tied_identities(reflected, rng):
    assert_gradient_is_correct(
        lambda alpha: tied_identity_loss(alpha, IDENTITY, reflected), rng.normal(size=(4, 5))
    )


@pytest.mark.parametrize(
    ("reflected", "batch", "said"),
    [(False, 3, "an even batch"), (True, 6, "a multiple of four")],
    ids=["pairs", "with reflections"],
)
def test_parted_pairs_are_refused(reflected, batch, said, rng):
    texture, mask = map(tf.constant, textures_and_masks(rng, batch))
    with pytest.raises(ValueError, match=rf"{said}.* received a batch of {batch}"):
        identity_pair_loss(texture, mask, reflected)
    with pytest.raises(ValueError, match=rf"{said}.* received a batch of {batch}"):
        tied_identity_loss(tf.zeros((batch, 5)), IDENTITY, reflected)
    free = tf.function(
        lambda alpha: tied_identity_loss(alpha, IDENTITY, reflected),
        input_signature=[tf.TensorSpec((None, 5))],
    )
    assert free(tf.zeros((8, 5))).shape == (4,)
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        free(tf.zeros((batch, 5)))
