"""Losses for batches in which each photograph is followed by another one of the same person."""

import tensorflow as tf

from keras_3dmmstn.network.losses import halves, multi_view_loss

#: Error message for a batch in which a photograph lacks another one of its person.
PARTED_PEOPLE = (
    "the losses on pairs of one person expect each photograph to be followed by another one of "
    "the same person (an even batch, on each of several devices)"
)
#: The same for a batch in which each photograph is followed by its reflection first.
PARTED_FOURS = (
    "the losses on pairs of one person, together with reflections, expect a photograph, its "
    "reflection, another photograph of the same person and its reflection (a multiple of four, on "
    "each of several devices)"
)


def identity_pair_loss(texture, mask, reflected=False):
    """Computes the siamese loss of pairs of photographs of one person.

    It is eq. (3) for each pair, the paper's sum divided by its number of terms, as in
    `multi_view_loss`. With reflections, the two photographs are compared, and so are their two
    reflections; a photograph and a reflection are not compared, which `mirror_pair_loss` does.

    Args:
        texture: `(2 n, H', W', channels)` float tensor: a photograph, another one of the same
            person, two of the next, ...; with `reflected` `(4 n, H', W', channels)`: a
            photograph, its reflection, another one of the same person, its reflection, ...
        mask: `(2 n, H', W', 1)` or `(4 n, H', W', 1)` float tensor.
        reflected: whether each photograph is followed by its reflection.

    Returns:
        `(n,)` loss in squared levels, `(2 n,)` with reflections; 0 where nothing is visible in
        both, as in two opposite profiles.

    Raises:
        ValueError: if the batch is known not to consist of pairs; as for `mirror_pair_loss`.

    Source:
        Bas et al. 2017, sec. 3.2, eq. (3).
    """
    pairs = (_of_photographs(x, reflected) for x in (texture, mask))
    (one, other), (one_mask, other_mask) = pairs
    return multi_view_loss(one, one_mask, other, other_mask)


def tied_identity_loss(coefficients, identity_count, reflected=False):
    """Computes the squared distance between the identities in pairs of photographs of one person.

        ℓ = Σ_k (α_k − β_k)²    over the modes of identity

    It is a sum, like that of `shape_prior_loss`. Expressions may differ: their modes do not count.

    Args:
        coefficients: `(2 n, D)` float tensor α, in standard deviations, identity first; a
            photograph, another one of the same person, two of the next, ...; with `reflected`
            `(4 n, D)`, as for `identity_pair_loss`.
        identity_count: the number of identity modes.
        reflected: whether each photograph is followed by its reflection.

    Returns:
        `(n,)` loss, `(2 n,)` with reflections.

    Raises:
        ValueError: if the batch is known not to consist of pairs; as for `mirror_pair_loss`.
    """
    one, other = _of_photographs(coefficients[:, :identity_count], reflected)
    return tf.reduce_sum((one - other) ** 2, axis=-1)


def _of_photographs(x, reflected):
    """Returns the parts of the first and of the second photographs, with their reflections."""
    return halves(x, 2, PARTED_FOURS) if reflected else halves(x, 1, PARTED_PEOPLE)
