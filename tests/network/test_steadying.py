"""A face model that learnt, held to what it was."""

from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.refinement import steadied_grid_model


@pytest.fixture
def given(rng):
    face = toy_grid_model((16, 12))
    count = face.modes - face.identity_count
    assert count >= 2
    units = {name: rng.normal(size=count).astype(np.float32) for name in ("smile", "wink")}
    return replace(face, expression_units=units)


def learnt_from(given, rng, millimetres=0.5):
    moved = rng.normal(scale=millimetres, size=given.basis.shape).astype(np.float32)
    mean = given.mean + rng.normal(size=given.mean.shape).astype(np.float32)
    return replace(given, mean=mean, basis=given.basis + moved)


def expressions(face):
    units = np.stack([*face.expression_units.values()])
    return np.tensordot(units, face.basis[face.identity_count :], axes=1)


def test_is_what_is_most_likely(given, rng):
    """Of s⁻² Σ_i |Δ_i - d_i|² + Σ_i |Δ_i / (2 r_i)|² + Σ_u |Σ_i u_i Δ_i|², the lowest point."""
    learnt, noise, count = learnt_from(given, rng), 0.3, given.identity_count
    moved = learnt.basis.astype(float) - given.basis
    kept = steadied_grid_model(learnt, given, noise).basis.astype(float) - given.basis
    for vertex in (0, 17, 191):
        for axis in range(3):
            expected = np.zeros(given.modes)
            for mode in range(given.modes):  # the gradient at the result, which is 0
                own = np.mean([np.sum(place**2) for place in given.basis[mode].astype(float)])
                gradient = (kept[mode, vertex, axis] - moved[mode, vertex, axis]) / noise**2
                gradient += kept[mode, vertex, axis] / (4 * own)
                for unit in given.expression_units.values():
                    if mode >= count:
                        change = sum(
                            unit[other - count] * kept[other, vertex, axis]
                            for other in range(count, given.modes)
                        )
                        gradient += unit[mode - count] * change
                expected[mode] = gradient
            np.testing.assert_allclose(expected, 0, atol=2e-4 / noise**2)


def test_without_noise_all_is_kept_and_the_mean_always(given, rng):
    learnt = learnt_from(given, rng)
    np.testing.assert_allclose(steadied_grid_model(learnt, given, 0).basis, learnt.basis, atol=1e-6)
    steadied = steadied_grid_model(learnt, given)
    np.testing.assert_array_equal(steadied.mean, learnt.mean)
    assert steadied.landmarks.keys() == given.landmarks.keys()
    np.testing.assert_array_equal(steadied_grid_model(given, given).basis, given.basis)


def test_named_expressions_stay_and_weak_modes_hardly_move(given, rng):
    weak = given.basis.copy()
    weak[0] *= 0.001
    given = replace(given, basis=weak)
    learnt = learnt_from(given, rng)
    steadied = steadied_grid_model(learnt, given)
    moved = np.linalg.norm(steadied.basis - given.basis, axis=-1).mean(axis=-1)
    assert moved[0] < 0.05 < 0.3 < moved[1]
    change = np.linalg.norm(expressions(steadied) - expressions(given), axis=-1).mean()
    left = replace(learnt, expression_units=given.expression_units)
    assert change < 0.7 * np.linalg.norm(expressions(left) - expressions(given), axis=-1).mean()


def test_a_symmetric_face_model_stays_symmetric(rng):
    given = toy_grid_model((16, 12))
    learnt = learnt_from(given, rng)

    def reflected(offsets):
        return offsets[..., given.mirror, :] * [-1, 1, 1]

    signs = np.sign((given.basis * reflected(given.basis)).sum(axis=(1, 2)))[:, None, None]
    moved = learnt.basis - given.basis
    learnt = replace(learnt, basis=given.basis + (moved + signs * reflected(moved)) / 2)
    kept = steadied_grid_model(learnt, given).basis
    np.testing.assert_allclose(reflected(kept), signs * kept, atol=1e-5)


def test_without_expressions_or_landmarks(rng):
    given = replace(toy_grid_model((16, 12)), landmarks={})
    learnt = learnt_from(given, rng)
    assert np.isfinite(steadied_grid_model(learnt, given).basis).all()
    still = replace(given, basis=np.zeros_like(given.basis))
    kept = steadied_grid_model(replace(still, basis=learnt.basis - given.basis), still)
    np.testing.assert_allclose(kept.basis, 0, atol=1e-6)


@pytest.mark.parametrize("noise", [-1, float("nan"), float("inf"), 1e300])
def test_refuses_another_noise(given, noise):
    with pytest.raises(ValueError, match="noise of 0 to 100 mm, received"):
        steadied_grid_model(given, given, noise)


def test_refuses_another_face_model(given):
    with pytest.raises(ValueError, match=r"received 14 x 12 vertices.* and 16 x 12 vertices"):
        steadied_grid_model(toy_grid_model((14, 12)), given)
    assert isinstance(given, GridModel)
