"""The classifier of descriptors and its loss, against plain loops and closed forms."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_3dmmstn.recognition import AngularMarginLoss, CosineClassifier
from tests.support.gradients import assert_gradient_is_correct
from tests.support.layer_contract import assert_keeps_layer_contract


def margin_loss_by_loops(classes, cosines, margin, scale):
    """The loss as its docstring has it, one photograph and one class at a time."""
    found = []
    for right, row in zip(classes, cosines, strict=True):
        logits = []
        for number, cosine in enumerate(row):
            angle = math.acos(cosine)
            if number != right:
                logits.append(scale * cosine)
            elif angle + margin <= math.pi:
                logits.append(scale * math.cos(angle + margin))
            else:
                logits.append(scale * (cosine - margin * math.sin(margin)))
        largest = max(logits)
        total = sum(math.exp(value - largest) for value in logits)
        found.append(largest + math.log(total) - logits[right])
    return np.mean(found)


@pytest.mark.parametrize("margin", [0.0, 0.3, 1.2])
def test_the_loss_is_the_sum_of_its_docstring(margin, rng):
    cosines, classes = rng.uniform(-0.999, 0.999, (40, 5)), rng.integers(0, 5, 40)
    cosines[:4] = [[-0.99, 0.2, 0.3, 0.1, 0], [0.99, 0, 0, 0, 0], [-1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    classes[:4] = 0
    loss = AngularMarginLoss(margin, scale=8, dtype="float64")
    expected = margin_loss_by_loops(classes, cosines, margin, 8)
    # sin φ is at least √1e-7 = 3e-4, so that its derivative at φ = 0 and π is finite.
    np.testing.assert_allclose(loss(classes, cosines), expected, atol=8 * 3.2e-4)


def test_its_gradient(rng):
    loss = AngularMarginLoss(0.4, scale=5, reduction="none", dtype="float64")
    classes = tf.constant([2, 0, 1])
    cosines = rng.uniform(-0.8, 0.8, (3, 4))
    cosines[1, 0] = -0.97  # beyond π with the margin
    assert_gradient_is_correct(lambda values: loss(classes, values), cosines)


@pytest.mark.parametrize("cosine", [-1.0, 1.0])
def test_its_gradient_is_finite_where_sines_are_zero(cosine):
    loss, values = AngularMarginLoss(), tf.constant([[cosine, 0.2]])
    with tf.GradientTape() as tape:
        tape.watch(values)
        value = loss([0], values)
    assert np.isfinite(tape.gradient(value, values)).all()


def test_a_larger_margin_asks_for_more(rng):
    cosines, classes = rng.uniform(-0.5, 0.9, (20, 6)), rng.integers(0, 6, 20)
    losses = [float(AngularMarginLoss(margin)(classes, cosines)) for margin in (0, 0.2, 0.4)]
    assert losses == sorted(losses) and losses[0] < losses[2]


@pytest.mark.parametrize(("margin", "scale"), [(-0.1, 1), (math.pi / 2, 1), (0.3, 0)])
def test_wrong_numbers_are_refused(margin, scale):
    with pytest.raises(ValueError, match="AngularMarginLoss expects a margin from 0"):
        AngularMarginLoss(margin, scale)


def test_the_loss_keeps_its_config():
    loss = keras.losses.deserialize(keras.losses.serialize(AngularMarginLoss(0.2, 9)))
    assert (loss.margin, loss.scale, loss.name) == (0.2, 9, "angular_margin")


def test_the_classifier_keeps_the_contract_of_layers(rng, tmp_path):
    assert_keeps_layer_contract(
        CosineClassifier(7), rng.normal(size=(3, 5)), output_shape=(3, 7), folder=tmp_path
    )


def test_the_classifier_gives_cosines_whatever_the_lengths(rng):
    layer, descriptors = CosineClassifier(4), rng.normal(size=(6, 3)).astype("float32")
    found = np.asarray(layer(descriptors))
    directions = np.asarray(layer.directions)
    for i in range(6):
        for j in range(4):
            a, b = descriptors[i].astype(float), directions[:, j].astype(float)
            expected = (a @ b) / math.sqrt((a @ a) * (b @ b))
            np.testing.assert_allclose(found[i, j], expected, atol=1e-6)
    np.testing.assert_allclose(layer(100 * descriptors), found, atol=1e-6)


def test_one_class_is_none():
    with pytest.raises(ValueError, match="two classes or more, received 1"):
        CosineClassifier(1)


@pytest.mark.parametrize("number", [-1, 3, 7])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_number_that_is_no_class_has_no_loss_in_silence(number, compiled):
    loss = tf.function(AngularMarginLoss(), jit_compile=compiled)
    labels, cosines = tf.constant([0, number]), tf.zeros((2, 3))
    if compiled:
        assert math.isnan(loss(labels, cosines))
    else:
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"label value of {number}"):
            loss(labels, cosines)


def test_one_hot_labels_are_refused_by_name():
    with pytest.raises(ValueError, match="a whole number for each row"):
        AngularMarginLoss()(np.eye(3), np.zeros((3, 3), np.float32))


@pytest.mark.parametrize("level", [0.0, 300.0])
def test_cosines_in_half_precision_survive_long_descriptors_and_none(level):
    half = CosineClassifier(3, dtype="mixed_float16")
    descriptor = np.full((1, 128), level, np.float32)
    found = half(descriptor)
    full = CosineClassifier(3)
    full.build((1, 128))
    full.set_weights(half.get_weights())
    # Products of 128 numbers with 11 bits each.
    np.testing.assert_allclose(found, full(descriptor), atol=5e-3)


@pytest.mark.parametrize("size", [1e-5, 300.0])
@pytest.mark.parametrize("dtype", ["mixed_float16", "float16"])
def test_directions_in_half_precision_may_be_long_and_short(dtype, size, rng):
    half, full = CosineClassifier(3, dtype=dtype), CosineClassifier(3)
    descriptor = rng.normal(size=(2, 128)).astype("float32")
    half.build(descriptor.shape), full.build(descriptor.shape)
    directions = size * rng.uniform(0.5, 1, (128, 3))
    half.set_weights([directions])
    full.set_weights(half.get_weights())
    np.testing.assert_allclose(half(descriptor), full(descriptor), atol=5e-3)


@pytest.mark.parametrize("classes", [2.5, 3.0, "3", None])
def test_a_number_of_classes_that_is_none_is_refused(classes):
    with pytest.raises(ValueError, match="two classes or more"):
        CosineClassifier(classes)


@pytest.mark.parametrize("label", [0.5, -0.5, np.nan])
def test_what_lies_between_two_classes_is_none(label):
    with pytest.raises(tf.errors.InvalidArgumentError, match="label value of -1"):
        AngularMarginLoss()(np.array([label, 1.0]), np.zeros((2, 3), np.float32))


def test_cosines_may_be_a_list():
    assert float(AngularMarginLoss()([0], [[0.5, 0.25]])) > 0


def test_half_precision_does_not_round_numbers_of_classes():
    with pytest.raises(ValueError, match="tells 256 classes apart, received 300"):
        AngularMarginLoss(dtype="bfloat16")(np.array([257]), np.zeros((1, 300), np.float32))
    assert float(AngularMarginLoss(dtype="bfloat16")(np.array([255]), np.zeros((1, 256)))) > 0
