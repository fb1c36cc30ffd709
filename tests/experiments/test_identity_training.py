"""What the experiment on pairs of one person measures, on numbers that are known."""

import numpy as np
import pytest
from identity_training import Outputs, identity_spread, landmark_errors, texture_difference

from keras_3dmmstn.training.data.crops import FaceCrops


def outputs(identity=None, texture=None, mask=None, shift=0.0, count=4):
    labels = np.zeros((count, 89, 3))
    labels[:, :2, 2] = 1
    labels[:, 1, :2] = 100  # the box is 100 × 100
    return Outputs(
        labels=labels,
        landmarks=labels[..., :2] + shift,
        identity=np.zeros((count, 2)) if identity is None else identity,
        texture=np.full((count, 4, 4, 3), 50.0) if texture is None else texture,
        mask=np.ones((count, 4, 4, 1)) if mask is None else mask,
    )


def test_spread_within_and_between_people(rng):
    people = np.repeat(np.arange(400), 10)
    means, noise = rng.normal(0, 2, (400, 2)), rng.normal(0, 1, (4000, 2))
    spread = identity_spread(outputs(means[people] + noise), tuple(map(str, people)))
    assert spread["within"] == pytest.approx(np.sqrt(2), rel=0.03)
    assert spread["between"] == pytest.approx(np.sqrt(8), rel=0.1)
    assert spread["ratio"] == pytest.approx(0.5, rel=0.1)


def test_errors_are_shares_of_the_box_and_unlabelled_faces_do_not_count():
    found = outputs(shift=np.array([3.0, 4.0]))
    found.labels[0, :, 2] = 0
    assert landmark_errors(found) == pytest.approx({"error": 5.0, "size": 1.0})


def test_textures_are_compared_after_a_gain_where_both_are_seen(rng):
    texture = np.tile(rng.uniform(20, 80, (4, 4, 3)), (4, 1, 1, 1))
    texture[1] *= [2.0, 3.0, 0.5]  # another light
    mask = np.ones((4, 4, 4, 1))
    mask[0, 0], texture[0, 0] = 0, 255  # not seen, so it does not matter
    crops = FaceCrops(
        np.zeros((4, 8, 8, 3), np.uint8), np.zeros((4, 89, 3)), people=("a", "a", "", "")
    )
    found = texture_difference(outputs(texture=texture, mask=mask), crops)
    assert found["pairs"] == 2 and found["texture"] == pytest.approx(0, abs=1e-9)
