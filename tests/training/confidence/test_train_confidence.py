"""The training of the confidence, on features whose meaning is known."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.network.confidence import with_confidence
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.training.confidence import confidence_run
from keras_3dmmstn.training.confidence.confidence_run import add_confidence
from keras_3dmmstn.training.confidence.reliability import area_under_roc, reliability
from keras_3dmmstn.training.confidence.train_confidence import (
    Judgements,
    calibrate,
    confidence_of,
    judge,
    train_confidence,
)
from tests.support.judged_crops import crop
from tests.support.small_network import SIZE, small_normaliser


@pytest.fixture(scope="module")
def normaliser():
    return small_normaliser()


def judgements(localiser, count=6000, slope=3.0, shift=0.0, seed=0):
    """Features of which the first alone says, with a probability, whether the face is right."""
    rng = np.random.default_rng(seed)
    size = localiser.get_layer("head").input.shape[-1]
    features = rng.normal(5, 2, (count, size)).astype(np.float32)
    right = rng.random(count) < 1 / (1 + np.exp(shift - slope * (features[:, 0] - 5)))
    distances = np.where(right, 0.02, np.nan)[:, None]
    return Judgements(features, distances, np.full(count, "ordinary"), np.arange(count))


def test_a_face_is_judged_by_the_distance_of_its_landmarks_from_the_labels(normaliser, rng):
    images = rng.integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    found = normaliser.fit(images).landmarks("ibug68")
    box = tight_box(found[1].astype(float))
    size = np.sqrt(np.prod(box[2:] - box[:2]))
    crops = [crop(images[0], found[0]), crop(images[1], found[1] + [0.08 * size, 0])]
    judged = judge(normaliser, [*crops, crop(images[2])])
    np.testing.assert_allclose(judged.errors, [0, 0.08, np.inf], atol=1e-4)
    assert judged.right.tolist() == [True, False, False]
    np.testing.assert_allclose(judged.distances[:2, :68], [[0] * 68, [0.08] * 68], atol=1e-4)
    assert np.isnan(judged.distances[:, 68:]).all() and np.isnan(judged.distances[2]).all()
    kernel, bias = normaliser.localiser.get_layer("head").get_weights()
    raw = judged.features @ kernel + bias
    scaling = normaliser.localiser.get_layer("parameter_scaling")
    np.testing.assert_allclose(scaling(raw), normaliser.fit(images).parameters, atol=1e-3)


def test_the_confidence_learns_what_the_features_say(normaliser):
    train, test = (judgements(normaliser.localiser, seed=seed) for seed in (0, 1))
    localiser = train_confidence(normaliser.localiser, train)
    assert area_under_roc(confidence_of(localiser, test.features), test.right) > 0.75
    images = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    np.testing.assert_allclose(
        localiser(images)["parameters"], normaliser.localiser(images), atol=1e-5
    )
    again = train_confidence(localiser, train)  # takes the place of the first
    assert [layer.name for layer in again.layers].count("confidence") == 1


def test_the_confidence_of_features_is_what_the_network_says(normaliser):
    localiser = train_confidence(normaliser.localiser, judgements(normaliser.localiser, 200))
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    judged = judge(normaliser, [crop(image) for image in images])
    expected = np.asarray(localiser(images.astype(np.float32))["confidence"])[:, 0]
    np.testing.assert_allclose(confidence_of(localiser, judged.features), expected, atol=1e-4)


def test_a_calibrated_confidence_is_the_share_of_faces_that_are_right(normaliser):
    sharp = judgements(normaliser.localiser, slope=8.0)
    others = judgements(normaliser.localiser, slope=0.7, shift=2.0, seed=2)
    localiser = train_confidence(normaliser.localiser, sharp)

    def off():
        rows = reliability(confidence_of(localiser, others.features), others.right)
        return max(abs(row.confidence - row.right) for row in rows if row.count > 100)

    before = off()
    scale, _ = calibrate(localiser, others)
    assert 0 < scale < 1 and off() < 0.1 < before


@pytest.mark.parametrize("right", [0, 40])
def test_crops_that_are_all_right_or_all_wrong_are_refused(normaliser, right):
    size = normaliser.localiser.get_layer("head").input.shape[-1]
    distances = np.full((40, 1), 0.01 if right else np.nan)
    alike = Judgements(np.ones((40, size)), distances, np.full(40, "ordinary"), np.arange(40))
    message = f"some come out right and some wrong, received {right} right ones of 40"
    with pytest.raises(ValueError, match=f"crops to train on .*{message}"):
        train_confidence(normaliser.localiser, alike)
    localiser = with_confidence(normaliser.localiser)
    before = localiser.get_layer("confidence").get_weights()
    with pytest.raises(ValueError, match=f"crops to calibrate on .*{message}"):
        calibrate(localiser, alike)
    np.testing.assert_array_equal(localiser.get_layer("confidence").get_weights()[0], before[0])


def test_a_calibration_never_turns_the_order_round(normaliser):
    localiser = train_confidence(normaliser.localiser, judgements(normaliser.localiser, 600))
    contrary = judgements(normaliser.localiser, 600, slope=-3.0, seed=1)
    before = confidence_of(localiser, contrary.features[:2])
    scale, _ = calibrate(localiser, contrary)
    after = confidence_of(localiser, contrary.features[:2])
    assert scale > 0 and np.sign(np.diff(before)) * np.diff(after) >= 0


def test_a_localiser_of_another_kind_is_refused_by_name(normaliser):
    image = keras.Input((SIZE, SIZE, 3))
    theta = keras.layers.Dense(12, name="mine")(keras.layers.Flatten()(image))
    other = Normaliser(keras.Model(image, theta), normaliser.grid_model)
    with pytest.raises(ValueError, match=r"localiser of build_localiser.*received .*mine"):
        add_confidence(other, ["nowhere"])


def test_weights_with_a_confidence_look_as_often_as_before(monkeypatch):
    once = small_normaliser(looks=1)
    faces, learnt = SimpleNamespace(skipped=()), with_confidence(once.localiser)
    monkeypatch.setattr(confidence_run, "chosen_faces", lambda *_: faces)
    monkeypatch.setattr(confidence_run, "judged", lambda *_: judgements(once.localiser, 2))
    monkeypatch.setattr(confidence_run, "train_confidence", lambda *_: learnt)
    assert add_confidence(once, ["nowhere"]).normaliser.looks == 1


def test_bins_of_reliability_and_the_area_under_the_curve():
    confidence = np.array([0.05, 0.08, 0.95, 1.0, 0.55])
    right = np.array([False, True, True, True, False])
    rows = reliability(confidence, right)
    assert [row.count for row in rows] == [2, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert rows[0].right == 0.5 and rows[0].confidence == pytest.approx(0.065)
    assert (rows[9].low, rows[9].high, rows[9].right) == (0.9, 1.0, 1.0)
    assert np.isnan(rows[1].right)
    # Of six pairs of a right and a wrong one, five are in order.
    assert area_under_roc(confidence, right) == pytest.approx(
        np.mean([c > w for c in confidence[right] for w in confidence[~right]])
    )
    assert area_under_roc(np.ones(4), np.array([True, False, True, False])) == 0.5
    assert np.isnan(area_under_roc(np.ones(2), np.array([True, True])))
