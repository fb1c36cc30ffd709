"""The linear 3D morphable model: shapes from coefficients."""

import tensorflow as tf


@tf.custom_gradient
def shape_from_coefficients(coefficients, mean, basis):
    """Computes the vertices of 3D morphable model shapes.

        X(α) = μ + Σ_k α_k P_k

    With G = ∂L/∂X the gradients are ∂L/∂α_k = ⟨G, P_k⟩ and, for a model that is itself
    trained, ∂L/∂μ = Σ_batch G and ∂L/∂P_k = Σ_batch α_k G.

    Args:
        coefficients: `(batch, modes)` float tensor α, in standard deviations.
        mean: `(points, 3)` float tensor μ, millimetres.
        basis: `(modes, points, 3)` float tensor P, millimetres per standard deviation.

    Returns:
        `(batch, points, 3)` vertices in millimetres, in the model's frame.

    Source:
        Bas et al. 2017, sec. 2.2, "3D morphable model layer".
    """
    modes = basis.shape[0]
    flat_basis = tf.reshape(basis, (modes, -1))
    flat_shape = tf.matmul(coefficients, flat_basis) + tf.reshape(mean, (1, -1))
    shape = tf.reshape(flat_shape, (-1, *mean.shape))

    def gradient(upstream):  # (batch, points, 3) -> (batch, modes), (points, 3), basis
        flat_upstream = tf.reshape(upstream, tf.shape(flat_shape))
        to_coefficients = tf.matmul(flat_upstream, flat_basis, transpose_b=True)
        to_mean = tf.reduce_sum(upstream, axis=0)
        to_basis = tf.matmul(coefficients, flat_upstream, transpose_a=True)
        return to_coefficients, to_mean, tf.reshape(to_basis, basis.shape)

    return shape, gradient
