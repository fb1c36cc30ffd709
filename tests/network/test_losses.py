import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.network import losses
from keras_3dmmstn.network.landmark_opening import LandmarkOpeningLoss
from tests.support import naive
from tests.support.gradients import assert_gradient_is_correct, gradients_of

# Landmark loss, equation (5)


def labels_of(position, confidence):
    return np.concatenate([position, np.asarray(confidence)[..., None]], axis=-1)


def test_landmark_loss_is_the_papers_sum(rng):
    predicted, position = rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 5, 2))
    confidence = [[1.0, 0.0, 0.5, 2.0, 1.0], [0.0, 0.0, 0.0, 0.3, 0.0]]
    labels = labels_of(position, confidence)
    loss = losses.landmark_loss(labels, tf.constant(predicted))
    normalised = losses.landmark_loss(labels, tf.constant(predicted), normalise=True)
    for i in range(2):
        total, confidences = naive.landmark_sum(predicted[i], position[i], confidence[i])
        np.testing.assert_allclose(loss[i], total, rtol=1e-14)
        np.testing.assert_allclose(normalised[i], total / confidences, rtol=1e-14)


@pytest.mark.parametrize("normalise", [False, True])
def test_gradient_of_landmark_loss(normalise, rng):
    labels = tf.constant(labels_of(rng.normal(size=(2, 4, 2)), [[1, 0, 0.5, 1], [0, 0.2, 0, 0]]))
    assert_gradient_is_correct(
        lambda predicted: losses.landmark_loss(labels, predicted, normalise),
        rng.normal(size=(2, 4, 2)),
    )


@pytest.mark.parametrize("unknown", [np.nan, np.inf, 1e30])
def test_an_unknown_landmark_does_not_pull_whatever_its_coordinates(unknown, rng):
    predicted = tf.constant(rng.normal(size=(1, 3, 2)))
    position = rng.normal(size=(1, 3, 2))
    known = losses.landmark_loss(labels_of(position[:, :2], [[1, 0.5]]), predicted[:, :2])
    position[0, 2] = unknown
    labels = tf.constant(labels_of(position, [[1, 0.5, 0]]))
    np.testing.assert_allclose(losses.landmark_loss(labels, predicted), known)
    (gradient,) = gradients_of(lambda p: losses.landmark_loss(labels, p), predicted)
    assert np.all(gradient[0, :2] != 0)
    np.testing.assert_array_equal(gradient[0, 2], [0, 0])


@pytest.mark.parametrize("normalise", [False, True])
def test_a_face_without_labels_has_no_loss_and_no_gradient(normalise, rng):
    labels = tf.constant(labels_of(np.full((2, 3, 2), np.nan), [[0, 0, 0], [np.nan] * 3]))
    predicted = tf.constant(rng.normal(size=(2, 3, 2)))
    np.testing.assert_array_equal(losses.landmark_loss(labels, predicted, normalise), [0, 0])
    (gradient,) = gradients_of(lambda p: losses.landmark_loss(labels, p, normalise), predicted)
    np.testing.assert_array_equal(gradient, np.zeros((2, 3, 2)))


def test_landmark_loss_is_in_squared_pixels():
    labels = labels_of(np.zeros((1, 2, 2)), [[1.0, 1.0]])
    loss = losses.landmark_loss(labels, tf.constant([[[3.0, 4.0], [0.0, 1.0]]], tf.float64))
    np.testing.assert_allclose(loss, [25 + 1])


def test_distance_loss_is_the_softened_mean_distance_by_confidence(rng):
    predicted, position = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 4, 2))
    confidence = [[1.0, 0.0, 0.5, 2.0], [0.0, 0.0, 0.0, 0.3]]
    loss = losses.landmark_distance_loss(
        labels_of(position, confidence), tf.constant(predicted), softness=0.7
    )
    for face in range(2):
        total = 0.0
        for point in range(4):
            dx, dy = predicted[face, point] - position[face, point]
            distance = (dx * dx + dy * dy + 0.49) ** 0.5 - 0.7
            total += confidence[face][point] * distance
        np.testing.assert_allclose(loss[face], total / sum(confidence[face]), rtol=1e-12)


def test_gradient_of_distance_loss_also_where_the_distance_is_0(rng):
    predicted = rng.normal(size=(2, 3, 2))
    position = rng.normal(size=(2, 3, 2))
    position[:, 0] = predicted[:, 0]
    labels = tf.constant(labels_of(position, [[1, 1, 0.5], [1, 0, 0]]))
    assert_gradient_is_correct(lambda p: losses.landmark_distance_loss(labels, p), predicted)


def test_far_landmarks_pull_no_harder_than_one_pixel_per_pixel():
    labels = tf.constant(labels_of([[[0.0, 0.0]]], [[1.0]]))
    predicted = tf.constant([[[300.0, 400.0]]], tf.float64)
    np.testing.assert_allclose(losses.landmark_distance_loss(labels, predicted), [499.4], atol=1e-3)
    (gradient,) = gradients_of(lambda p: losses.landmark_distance_loss(labels, p), predicted)
    np.testing.assert_allclose(gradient, [[[0.6, 0.8]]], atol=1e-5)


@pytest.mark.parametrize("unknown", [np.nan, np.inf])
def test_distance_loss_ignores_what_is_not_labelled(unknown, rng):
    predicted = tf.constant(rng.normal(size=(1, 2, 2)))
    labels = tf.constant(labels_of([[[unknown, 0.0], [unknown, 1.0]]], [[0.0, np.nan]]))
    np.testing.assert_array_equal(losses.landmark_distance_loss(labels, predicted), [0])
    (gradient,) = gradients_of(lambda p: losses.landmark_distance_loss(labels, p), predicted)
    np.testing.assert_array_equal(gradient, np.zeros((1, 2, 2)))


def test_distance_loss_class_averages_over_the_batch(rng):
    labels = labels_of(rng.normal(size=(3, 2, 2)), np.ones((3, 2))).astype("float32")
    predicted = rng.normal(size=(3, 2, 2)).astype("float32")
    expected = np.mean(losses.landmark_distance_loss(labels, tf.constant(predicted), 0.2))
    loss = losses.LandmarkDistanceLoss(softness=0.2)
    np.testing.assert_allclose(loss(labels, predicted), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="LandmarkDistanceLoss expects labels of shape"):
        loss(labels[..., :2], predicted)


def test_landmark_loss_class_averages_over_the_batch(rng):
    position, predicted = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))
    labels = labels_of(position, np.ones((3, 4)))
    loss = losses.LandmarkLoss()(labels, predicted)
    expected = np.mean(losses.landmark_loss(labels, tf.constant(predicted)))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 4, 2), (1, 5, 3)])
def test_landmark_loss_class_rejects_labels_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"shape \(batch, 4, 3\).* received shape \(1, "):
        losses.LandmarkLoss()(np.zeros(shape), np.zeros((1, 4, 2)))


# Landmark error


def test_landmark_error_is_the_mean_distance_of_the_known_points():
    error = losses.LandmarkError()
    labels = labels_of([[[0.0, 0.0], [0.0, 0.0], [np.nan, np.nan]]], [[1.0, 0.1, 0.0]])
    error.update_state(labels, tf.constant([[[3.0, 4.0], [0.0, 1.0], [9.0, 9.0]]]))
    np.testing.assert_allclose(error.result(), 3)  # (5 + 1) / 2: confidence is no weight
    error.update_state(labels[:, :1], tf.constant([[[0.0, 12.0]]]))
    np.testing.assert_allclose(error.result(), 6)  # (5 + 1 + 12) / 3


def test_landmark_error_of_nothing_is_0_and_reset_forgets():
    error = losses.LandmarkError()
    assert error.result() == 0
    error.update_state(np.ones((1, 2, 3)), tf.zeros((1, 2, 2)))
    error.reset_state()
    assert error.result() == 0


def test_landmark_error_follows_sample_weights():
    error = losses.LandmarkError()
    labels = labels_of(np.zeros((2, 1, 2)), np.ones((2, 1)))
    predicted = tf.constant([[[3.0, 4.0]], [[0.0, 1.0]]])
    error.update_state(labels, predicted, sample_weight=np.array([3.0, 1.0]))
    np.testing.assert_allclose(error.result(), (3 * 5 + 1) / 4)


# Shape prior, equation (6)


def test_shape_prior_is_that_of_the_paper(rng):
    alpha = rng.normal(size=(3, 5))
    expected = [naive.shape_prior(a) for a in alpha]
    np.testing.assert_allclose(losses.shape_prior_loss(tf.constant(alpha)), expected, rtol=1e-14)


def test_gradient_of_shape_prior(rng):
    assert_gradient_is_correct(losses.shape_prior_loss, rng.normal(size=(2, 5)))


# Symmetry and multi-view, equations (2) and (3)


def texture_and_mask(rng, batch=2, rows=4, columns=5):
    """Returns textures and masks of which two in three pixels are visible."""
    texture = rng.normal(size=(batch, rows, columns, 3))
    return texture, (rng.random((batch, rows, columns, 1)) < 2 / 3).astype(float)


@pytest.mark.parametrize("columns", [4, 5])
def test_symmetry_loss_is_the_papers_sum_over_its_values(columns, rng):
    texture, mask = texture_and_mask(rng, columns=columns)
    loss = losses.symmetry_loss(tf.constant(texture), tf.constant(mask))
    for i in range(2):
        total, values = naive.symmetry_sum(texture[i], mask[i, ..., 0])
        np.testing.assert_allclose(loss[i], total / values, rtol=1e-14)


def test_multi_view_loss_is_the_papers_sum_over_its_values(rng):
    texture, mask = texture_and_mask(rng)
    other, other_mask = texture_and_mask(rng)
    loss = losses.multi_view_loss(*map(tf.constant, (texture, mask, other, other_mask)))
    for i in range(2):
        total, values = naive.multi_view_sum(
            texture[i], mask[i, ..., 0], other[i], other_mask[i, ..., 0]
        )
        np.testing.assert_allclose(loss[i], total / values, rtol=1e-14)


def test_gradient_of_symmetry_loss(rng):
    texture, mask = texture_and_mask(rng)
    assert_gradient_is_correct(lambda v: losses.symmetry_loss(v, tf.constant(mask)), texture)


def test_gradient_of_multi_view_loss(rng):
    texture, mask = texture_and_mask(rng, rows=2, columns=3)
    other, other_mask = texture_and_mask(rng, rows=2, columns=3)
    assert_gradient_is_correct(
        lambda v, w: losses.multi_view_loss(v, tf.constant(mask), w, tf.constant(other_mask)),
        texture,
        other,
    )


def test_a_symmetric_texture_has_no_symmetry_loss(rng):
    half = rng.normal(size=(1, 3, 4, 3))
    texture = tf.constant(np.concatenate([half, half[:, :, ::-1]], axis=2))
    mask = tf.ones((1, 3, 8, 1), tf.float64)
    np.testing.assert_array_equal(losses.symmetry_loss(texture, mask), [0])
    upside_down = tf.concat([texture[:, :1] + 1, texture[:, 1:]], axis=1)
    np.testing.assert_allclose(losses.symmetry_loss(upside_down, mask), [0], atol=1e-15)


def test_only_jointly_visible_pixels_count(rng):
    texture, mask = texture_and_mask(rng)
    other, other_mask = texture_and_mask(rng)
    hidden = mask * other_mask == 0
    loss = losses.multi_view_loss(*map(tf.constant, (texture, mask, other, other_mask)))
    changed = np.where(hidden, 99.0, texture)
    same = losses.multi_view_loss(*map(tf.constant, (changed, mask, other, other_mask)))
    np.testing.assert_allclose(loss, same, rtol=1e-14)
    (gradient,) = gradients_of(
        lambda v: losses.multi_view_loss(v, *map(tf.constant, (mask, other, other_mask))),
        texture,
    )
    np.testing.assert_array_equal(np.any(gradient != 0, axis=-1, keepdims=True), ~hidden)


def test_only_pixels_visible_on_both_sides_count_for_symmetry(rng):
    texture, mask = texture_and_mask(rng)
    hidden = mask * mask[:, :, ::-1] == 0
    loss = losses.symmetry_loss(tf.constant(texture), tf.constant(mask))
    changed = np.where(hidden, 99.0, texture)
    same = losses.symmetry_loss(tf.constant(changed), tf.constant(mask))
    np.testing.assert_allclose(loss, same, rtol=1e-14)


def test_black_pixels_count(rng):
    mask = tf.ones((1, 1, 4, 1), tf.float64)
    black = tf.zeros((1, 1, 4, 3), tf.float64)
    half_black = tf.constant([[[[6.0] * 3, [6.0] * 3, [0.0] * 3, [0.0] * 3]]], tf.float64)
    # Two of four pixels differ by 6. Were black pixels left out of the count, it would be 36.
    np.testing.assert_allclose(losses.multi_view_loss(black, mask, half_black, mask), [18])


def test_nothing_visible_gives_no_loss_and_no_gradient(rng):
    texture, mask = texture_and_mask(rng)
    nothing = tf.zeros_like(mask)
    np.testing.assert_array_equal(losses.symmetry_loss(tf.constant(texture), nothing), [0, 0])
    (gradient,) = gradients_of(lambda v: losses.symmetry_loss(v, nothing), texture)
    np.testing.assert_array_equal(gradient, np.zeros_like(texture))

    def against_the_visible(v):
        return losses.multi_view_loss(v, nothing, tf.constant(texture), tf.ones_like(mask))

    np.testing.assert_array_equal(against_the_visible(tf.zeros_like(texture)), [0, 0])
    (gradient,) = gradients_of(against_the_visible, np.zeros_like(texture))
    np.testing.assert_array_equal(gradient, np.zeros_like(texture))


def test_mirror_pairs_are_neighbours_in_the_batch(rng):
    texture, mask = map(tf.constant, texture_and_mask(rng, batch=6))
    loss = losses.mirror_pair_loss(texture, mask)
    assert loss.shape == (3,)
    for pair, (image, reflection) in enumerate([(0, 1), (2, 3), (4, 5)]):
        views = (texture[image], mask[image], texture[reflection], mask[reflection])
        expected = losses.multi_view_loss(*[view[None] for view in views])
        np.testing.assert_allclose(loss[pair], expected[0], rtol=1e-14)


def test_mirror_pairs_reject_an_odd_batch(rng):
    texture, mask = map(tf.constant, texture_and_mask(rng, batch=3))
    with pytest.raises(ValueError, match=r"mirror_pair_loss expects .* received a batch of 3"):
        losses.mirror_pair_loss(texture, mask)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_mirror_pairs_reject_an_odd_batch_that_shows_only_at_run_time(jit_compile, batch, rng):
    free = tf.function(
        losses.mirror_pair_loss,
        jit_compile=jit_compile,
        input_signature=[
            tf.TensorSpec((None, 4, 5, 3), tf.float64),
            tf.TensorSpec((None, 4, 5, 1), tf.float64),
        ],
    )
    assert free(*texture_and_mask(rng, batch=4)).shape == (2,)
    with pytest.raises(tf.errors.InvalidArgumentError):
        free(*texture_and_mask(rng, batch=batch))


# For compile and fit


@pytest.mark.parametrize(
    "original",
    [
        losses.LandmarkLoss(normalise=True),
        losses.LandmarkDistanceLoss(softness=0.25),
        LandmarkOpeningLoss(opening_weight=0.5, softness=0.25),
        losses.LandmarkError(),
    ],
    ids=lambda original: type(original).__name__,
)
def test_losses_survive_serialisation(original):
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(original))
    assert type(twin) is type(original)
    assert twin.get_config() == original.get_config()
