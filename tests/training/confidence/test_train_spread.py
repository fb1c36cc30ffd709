"""The training of the spread, on features whose meaning is known."""

import numpy as np
import pytest

from keras_3dmmstn.network.localiser_answers import answer_shapes
from keras_3dmmstn.training.confidence.reliability import spread_reliability
from keras_3dmmstn.training.confidence.train_confidence import Judgements, judge, train_confidence
from keras_3dmmstn.training.confidence.train_spread import (
    FURTHEST,
    calibrate_spread,
    has_labels_of_all,
    spread_of,
    train_spread,
)
from tests.support.judged_crops import crop
from tests.support.small_network import SIZE, small_normaliser


@pytest.fixture(scope="module")
def localiser():
    return small_normaliser().localiser


def judgements(localiser, count=6000, seed=0, factor=1.0, labelled=89):
    """Features of which the first says how far off the first landmarks are, and the second
    the last; landmarks between are equally far off in all faces."""
    rng = np.random.default_rng(seed)
    size = localiser.get_layer("head").input.shape[-1]
    features = rng.normal(5, 2, (count, size)).astype(np.float32)
    mean = np.full((count, 89), 0.02)
    mean[:, :20] *= np.exp(0.4 * (features[:, :1] - 5))
    mean[:, 48:68] *= np.exp(0.4 * (features[:, 1:2] - 5))
    distances = rng.exponential(factor * mean)
    distances[:, labelled:] = np.nan
    distances[::4] = np.nan  # no face
    return Judgements(features, distances, np.full(count, "ordinary"), np.arange(count)), mean


def test_the_spread_learns_how_far_off_each_landmark_is(localiser):
    (train, _), (test, mean) = (judgements(localiser, seed=seed) for seed in (0, 1))
    whole = train_spread(localiser, train)
    spread = spread_of(whole, test.features)
    np.testing.assert_allclose(spread.mean(axis=0), mean[:, :68].mean(axis=0), rtol=0.2)
    of_first, of_last = spread[:, :20].mean(axis=1), spread[:, 48:].mean(axis=1)
    first, last = test.features[:, 0], test.features[:, 1]
    # Of some hundred features each head has to find the one that counts.
    assert np.corrcoef(np.log(of_first), first)[0, 1] > 0.6
    assert np.corrcoef(np.log(of_last), last)[0, 1] > 0.6
    assert abs(np.corrcoef(np.log(of_first), last)[0, 1]) < 0.2


def test_all_else_stays_as_it_is(localiser):
    images = np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype(np.float32)
    taught, _ = judgements(localiser, 400)
    whole = train_spread(localiser, taught)
    np.testing.assert_array_equal(whole(images)["parameters"], localiser(images))
    # A confidence that is trained anew takes the spread away: it belongs to other judgements.
    assert answer_shapes(train_confidence(whole, taught_both_ways(taught))).spread is None


def taught_both_ways(judged):
    """The same crops, of which half are wrong."""
    distances = judged.distances.copy()
    distances[1::2] = 0.01
    return Judgements(judged.features, distances, judged.kinds, judged.numbers)


def test_the_spread_of_features_is_what_the_network_says(localiser):
    whole = train_spread(localiser, judgements(localiser, 200)[0])
    normaliser = small_normaliser()
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
    judged = judge(normaliser, [crop(image) for image in images])
    expected = np.asarray(whole(images.astype(np.float32))["spread"])
    np.testing.assert_allclose(spread_of(whole, judged.features), expected, rtol=1e-3)


def test_a_calibrated_spread_is_the_mean_distance(localiser):
    whole = train_spread(localiser, judgements(localiser)[0])
    others, _ = judgements(localiser, seed=2, factor=1.6)

    def off():
        rows = spread_reliability(spread_of(whole, others.features), others.distances[:, :68])
        return max(abs(np.log(row.distance / row.spread)) for row in rows)

    before = off()
    scale, _ = calibrate_spread(whole, others)
    assert scale > 0 and off() < 0.15 < 0.3 < before


def test_landmarks_that_are_far_off_count_as_those_at_the_furthest(localiser):
    judged, _ = judgements(localiser, 400)
    judged.distances[:] = np.where(np.isnan(judged.distances), np.nan, 1e6)
    spread = spread_of(train_spread(localiser, judged), judged.features)
    assert spread.max() < 2 * FURTHEST


def test_faces_without_labels_of_all_landmarks_are_refused(localiser):
    some, _ = judgements(localiser, 40, labelled=60)
    assert not has_labels_of_all(some)
    with pytest.raises(ValueError, match=r"train on with labels of all 68 .*received some of 60"):
        train_spread(localiser, some)
    whole = train_spread(localiser, judgements(localiser, 40)[0])
    with pytest.raises(ValueError, match="calibrate on with labels of all 68"):
        calibrate_spread(whole, some)


def test_bins_of_the_spread_hold_equally_many_landmarks():
    spread = np.array([[0.4, 0.1], [0.3, 0.2]])
    distances = np.array([[0.5, np.nan], [0.1, 0.3]])
    rows = spread_reliability(spread, distances)
    assert [(row.count, row.spread, row.distance) for row in rows] == [
        (1, 0.2, 0.3),
        (1, 0.3, 0.1),
        (1, 0.4, 0.5),
    ]
    assert spread_reliability(spread, np.full((2, 2), np.nan)) == []
