"""Several data sets in one epoch, and labels taken away on purpose."""

import numpy as np
import pytest

from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS
from keras_3dmmstn.training.data.mixture import mixture
from keras_3dmmstn.training.data.supervision import Supervision


def crops(count):
    return FaceCrops(np.zeros((count, 4, 4, 3), np.uint8), np.zeros((count, 89, 3), np.float32))


def test_by_default_each_face_comes_once():
    mixed = mixture([crops(7), crops(3)])
    assert len(mixed) == 10 and mixed.counts().tolist() == [7, 3]
    assert sorted(mixed.choices(0, 4)) == [0] * 7 + [1] * 3
    assert sorted(mixed.numbers(0, 0, 4)) == list(range(7))


def test_a_small_data_set_with_much_weight_is_passed_through_again():
    mixed = mixture([crops(100), crops(3)], [1, 1], 20)
    assert mixed.counts().tolist() == [10, 10]
    assert np.bincount(mixed.numbers(1, 0, 0), minlength=3).tolist() in (
        [4, 3, 3], [3, 4, 3], [3, 3, 4],
    )  # fmt: skip
    assert len(set(mixed.numbers(0, 0, 0))) == 10


def test_what_is_drawn_differs_between_epochs_and_seeds_only():
    mixed = mixture([crops(50), crops(50)])
    again = mixture([crops(50), crops(50)])
    for draw in (lambda m, *a: m.choices(*a), lambda m, *a: m.numbers(0, *a)):
        np.testing.assert_array_equal(draw(mixed, 3, 5), draw(again, 3, 5))
        assert (draw(mixed, 3, 5) != draw(mixed, 3, 6)).any()
        assert (draw(mixed, 3, 5) != draw(mixed, 4, 5)).any()
    assert (mixed.numbers(0, 3, 5) != mixed.numbers(1, 3, 5)).any()


def test_shares_that_are_no_whole_faces_still_add_up():
    mixed = mixture([crops(9), crops(9), crops(9)], [1, 1, 1], 10)
    assert sorted(mixed.counts()) == [3, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([],), r"data sets with faces in them, received sizes \[\]"),
        (([crops(2), crops(0)],), r"received sizes \[2, 0\]"),
        (([crops(2)], [1, 2]), "positive weight for each of 1 data sets"),
        (([crops(2)], [0.0]), r"received \[0.0\]"),
        (([crops(2)], [float("nan")]), r"received \[nan\]"),
        (([crops(2)], None, None, [True, False]), "whether each of 1 data sets is mirrored"),
        (([crops(2)], None, 0), "a face or more in an epoch, received 0"),
    ],
)
def test_a_mixture_of_nothing_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mixture(*arguments)


def test_a_share_of_the_faces_keeps_its_labels():
    factors = Supervision(label_share=0.1).factors(200, seed=3)
    assert factors.shape == (200, 89) and (factors.max(axis=1) == factors.min(axis=1)).all()
    assert factors[:, 0].sum() == 20
    more = Supervision(label_share=0.5).factors(200, seed=3)
    assert more[:, 0].sum() == 100 and (more >= factors).all()
    other = Supervision(label_share=0.1).factors(200, seed=4)
    assert other[:, 0].sum() == 20 and (other != factors).any()
    assert (Supervision(label_share=0).factors(5, 0) == 0).all()
    assert Supervision(label_share=0.01).factors(10, 0)[:, 0].sum() == 1


def test_some_points_alone_keep_their_labels_with_less_confidence():
    confidence = np.ones(89)
    confidence[75] = 0.5
    factors = Supervision(only_points=FIVE_POINTS, confidence=confidence).factors(2, 0)
    assert np.flatnonzero(factors[0]).tolist() == list(FIVE_POINTS)
    assert factors[1, 75] == 0.5 and factors[1, 78] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"label_share": 1.5}, "0 to 1, received 1.5"),
        ({"label_share": float("nan")}, "received nan"),
        ({"only_points": (3, 89)}, r"landmarks 0 to 88, received \[3, 89\]"),
        ({"confidence": [1.0] * 68}, "89 factors of confidence, received 68"),
    ],
)
def test_impossible_supervision_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Supervision(**arguments)
