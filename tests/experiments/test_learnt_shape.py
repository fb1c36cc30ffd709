"""How the rate of a run falls, and how near a face model alone comes to landmarks."""

import pytest
from learnt_shape import falling, floor_of_fit

from keras_3dmmstn import GridModel


def test_the_rate_rises_for_a_tenth_and_falls_to_nothing():
    rate = falling(0.02, 100)
    assert float(rate(0)) == 0
    assert float(rate(10)) == pytest.approx(0.02)
    assert float(rate(55)) == pytest.approx(0.01)
    assert float(rate(100)) == pytest.approx(0, abs=1e-9)


def test_the_floor_of_a_face_of_the_model_is_nothing_but_what_the_prior_costs(rng):
    model = GridModel.bundled()
    points = model.mean[model.landmarks["ibug68"], :2] * 2 + 100
    exact, moved = points[None], points[None] + rng.normal(0, 8, (1, 68, 2))
    assert floor_of_fit(model, exact)["all"] < 1e-3
    floor = floor_of_fit(model, moved)
    assert 0.5 < floor["all"] < 5 and 0.3 < floor["inner"] < 5
