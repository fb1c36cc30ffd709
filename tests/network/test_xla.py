"""XLA on and off: the network's values and the gradients of every loss agree."""

import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from tests.support.small_network import SIZE, small_network

EPS = np.finfo(np.float32).eps
DRAWS = 8

LOSSES = (
    "landmarks, sum",
    "landmarks, mean",
    "landmarks, distance",
    "shape prior",
    "symmetry",
    "mirror pairs",
)

# Every loss; of the perspective camera, whose losses are the same, one on each of its outputs.
CASES = {
    "orthographic": (None, LOSSES),
    "perspective": (1.2, ("landmarks, mean", "symmetry")),
}


def losses_of(outputs, labels, chosen):
    """Returns the mean of each chosen loss by name."""
    landmarks, texture, mask = (outputs[name] for name in ("landmarks", "texture", "mask"))
    each = {
        "landmarks, sum": lambda: losses.landmark_loss(labels, landmarks),
        "landmarks, mean": lambda: losses.landmark_loss(labels, landmarks, normalise=True),
        "landmarks, distance": lambda: losses.landmark_distance_loss(labels, landmarks),
        "shape prior": lambda: losses.shape_prior_loss(outputs["parameters"][:, 6:]),
        "symmetry": lambda: losses.symmetry_loss(texture, mask),
        "mirror pairs": lambda: losses.mirror_pair_loss(texture, mask),
    }
    return {name: tf.reduce_mean(each[name]()) for name in chosen}


def values_and_gradients(model, images, labels, chosen):
    """Returns outputs, losses, and the gradients of each loss to the images and every weight."""
    sources = [images, *(weight.value for weight in model.trainable_weights)]
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        outputs = model(images, training=True)
        values = losses_of(outputs, labels, chosen)
    results = {**outputs, **values}
    for name, loss in values.items():
        gradients = tape.gradient(loss, sources)
        results |= {
            f"gradient {i} of {name}": tf.convert_to_tensor(g) for i, g in enumerate(gradients)
        }
    return results


def rounded_otherwise(array, rng):
    """Returns an array of which every number is off by up to a float32 eps of itself."""
    return (array * (1 + EPS * rng.uniform(-1, 1, array.shape))).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(("focal_length", "chosen"), CASES.values(), ids=CASES)
def test_xla_agrees_with_tensorflows_kernels_as_far_as_rounding_allows(focal_length, chosen, rng):
    """What rounding may do is measured: images and weights are rounded otherwise.

    The largest change of `DRAWS` such draws is what one layer's roundings do to a result. There are
    some 15 layers in a row, and their roundings are independent: √15, about 4 times as much. A draw
    may happen to leave a sum alone; it counts for an eps at least.
    """
    model = small_network(toy_grid_model((16, 12)), focal_length=focal_length)
    images = rng.uniform(0, 255, (4, SIZE, SIZE, 3)).astype(np.float32)
    position, confidence = rng.uniform(5, 40, (4, 68, 2)), rng.uniform(0, 1, (4, 68, 1))
    labels = tf.constant(np.concatenate([position, confidence], axis=-1), tf.float32)

    def run(images):
        return values_and_gradients(model, images, labels, chosen)

    kernels, compiled = tf.function(run), tf.function(run, jit_compile=True)
    expected, received = kernels(tf.constant(images)), compiled(tf.constant(images))

    weights = [weight.numpy() for weight in model.trainable_weights]
    moved = dict.fromkeys(expected, 0.0)
    for _ in range(DRAWS):
        for weight, value in zip(model.trainable_weights, weights, strict=True):
            weight.assign(rounded_otherwise(value, rng))
        draw = kernels(tf.constant(rounded_otherwise(images, rng)))
        for name, value in expected.items():
            moved[name] = max(moved[name], np.abs(draw[name] - value).max())

    assert len(expected) == 4 + len(chosen) * (2 + len(weights))
    for name, value in expected.items():
        largest = np.abs(value).max()
        tolerance = 4 * max(moved[name], EPS * largest)
        assert tolerance <= 1e-3 * largest, f"{name}: the case says nothing"
        np.testing.assert_allclose(received[name], value, rtol=0, atol=tolerance, err_msg=name)
