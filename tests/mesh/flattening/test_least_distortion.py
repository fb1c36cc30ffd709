"""The flattening of least distortion."""

import numpy as np
import pytest

from keras_3dmmstn.mesh import flatten_disc, flatten_symmetric
from keras_3dmmstn.mesh.flattening import least_distortion
from keras_3dmmstn.mesh.flattening.flatten import image_left_triangles
from keras_3dmmstn.mesh.flattening.least_distortion import flatten_least_distorted
from keras_3dmmstn.mesh.quality import measure_distortion
from keras_3dmmstn.mesh.synthetic import toy_shape_model


@pytest.fixture(scope="module")
def face():
    return toy_shape_model()


@pytest.fixture(scope="module")
def tutte(face):
    return flatten_symmetric(face.mean, face.triangles, face.mirror)


@pytest.fixture(scope="module")
def flat(face):
    return flatten_least_distorted(face.mean, face.triangles, face.mirror)


@pytest.fixture
def energy(face):
    vertices = np.asarray(face.mean, np.float64)
    half = image_left_triangles(vertices, np.asarray(face.triangles), face.mirror)
    return least_distortion._energy(vertices, half, None, None)


def energy_by_singular_values(vertices, triangles, uv):
    """The energy of a whole flattening, from the singular values of its triangles."""
    total = weight = 0.0
    area = sum(np.linalg.norm(np.cross(*(vertices[t[1:]] - vertices[t[0]]))) / 2 for t in triangles)
    for t in triangles:
        edges, images = vertices[t[1:]] - vertices[t[0]], uv[t[1:]] - uv[t[0]]
        own = np.linalg.norm(np.cross(*edges)) / 2
        # The linear map that takes the edges, scaled to a total area of 1, to their images.
        linear = np.linalg.pinv(edges / np.sqrt(area)) @ images
        sigma = np.linalg.svd(linear, compute_uv=False)[:2]
        total += own * (sigma**2 + sigma**-2.0).sum()
        weight += own
    return total / weight


def test_energy_is_that_of_the_singular_values(face, tutte, energy):
    expected = energy_by_singular_values(face.mean.astype(float), face.triangles, tutte)
    assert energy.value(tutte) == pytest.approx(expected, rel=1e-6)


def test_energy_is_infinite_where_a_triangle_is_turned_over(tutte, energy):
    turned = tutte.copy()
    a, b, c = energy.triangles[0]
    turned[a] = turned[b] + turned[c] - turned[a]
    assert energy.value(turned) == np.inf


def test_derivatives_are_those_of_numeric_differences(tutte, energy, rng):
    number = np.arange(tutte.size).reshape(tutte.shape)
    gradient, _ = least_distortion._assembled(energy, tutte, number)
    for _ in range(5):
        direction = rng.normal(size=tutte.shape)
        step = 1e-7
        higher, lower = (energy.value(tutte + s * step * direction) for s in (1, -1))
        numeric = (higher - lower) / (2 * step)
        assert gradient @ direction.ravel() == pytest.approx(numeric, rel=1e-5)


def test_hessians_are_those_of_the_gradient_where_they_need_no_projection(energy, rng):
    # Near an isometry the energy of a triangle is convex.
    near = energy.gradients[:1] * 0 + np.array([[[-1.0, -1], [1, 0], [0, 1]]])
    one = least_distortion._Energy(np.array([[0, 1, 2]]), near, np.ones(1))
    uv = np.array([[0.0, 0], [1, 0], [0, 1]]) + rng.normal(0, 0.02, (3, 2))
    number = np.arange(6).reshape(3, 2)
    _, hessian = least_distortion._assembled(one, uv, number)
    direction, step = rng.normal(size=(3, 2)), 1e-6
    higher, lower = (
        least_distortion._assembled(one, uv + s * step * direction, number)[0] for s in (1, -1)
    )
    numeric = (higher - lower) / (2 * step)
    np.testing.assert_allclose(hessian @ direction.ravel(), numeric, atol=1e-5)


def test_no_triangle_is_turned_over_and_less_is_distorted(face, tutte, flat, energy):
    before = measure_distortion(face.mean, face.triangles, tutte)
    after = measure_distortion(face.mean, face.triangles, flat)
    assert after.flipped == 0
    assert energy.value(flat) < energy.value(tutte)
    assert after.angle_95 < before.angle_95 or after.area_95 < before.area_95


def test_nothing_is_left_to_gain(face, flat, energy):
    free = least_distortion._free(flat, energy.triangles, face.mirror)
    number = np.full(free.shape, -1)
    number[free] = np.arange(free.sum())
    gradient, _ = least_distortion._assembled(energy, flat, number)
    # A gradient of 1e-3 over the square's side of 1 would change the energy of 4 by 0.001.
    assert np.abs(gradient).max() < 1e-3


def test_it_is_symmetric_and_the_boundary_stays_on_its_side(face, tutte, flat):
    np.testing.assert_allclose(flat[face.mirror] * [-1, 1] + [1, 0], flat, atol=1e-12)
    for coordinate, side in ((0, 0.0), (0, 1.0), (1, 0.0), (1, 1.0)):
        there = tutte[:, coordinate] == side
        assert there.any()
        np.testing.assert_array_equal(flat[there, coordinate], side)
    moved = np.any(flat != tutte, axis=1) & (tutte[:, 0] == 0)
    assert moved.any(), "boundary vertices must slide"
    assert flat.min() == 0 and flat.max() == 1


def test_a_part_that_is_magnified_gets_more_room(face, flat):
    nose = face.mean[face.landmarks["ibug68"][30]]
    distance = np.linalg.norm(face.mean - nose, axis=1)
    near = distance < np.quantile(distance, 0.2)
    magnification = np.where(near, 1.5, 1.0)
    larger = flatten_least_distorted(face.mean, face.triangles, face.mirror, magnification)
    inside = face.triangles[near[face.triangles].all(axis=1)]

    def room(uv):
        a, b, c = (uv[inside[:, k]] for k in range(3))
        return np.abs(np.cross(np.c_[b - a, 0 * a[:, 0]], np.c_[c - a, 0 * a[:, 0]])[:, 2]).sum()

    assert 1.3 < room(larger) / room(flat) < 2.25
    assert measure_distortion(face.mean, face.triangles, larger).flipped == 0


def test_another_start_ends_in_the_same_place(face, tutte, flat):
    even = flatten_symmetric(face.mean, face.triangles, face.mirror, evenness=1.0)
    again = flatten_least_distorted(face.mean, face.triangles, face.mirror, start=even)
    corners = [set(map(tuple, uv[np.isin(uv, (0, 1)).all(axis=1)])) for uv in (even, tutte)]
    assert corners[0] == corners[1]
    np.testing.assert_allclose(again, flat, atol=2e-3)


def test_what_does_not_fit_is_refused(face, tutte):
    arguments = (face.mean, face.triangles, face.mirror)
    for name in ("magnification", "weights"):
        with pytest.raises(ValueError, match=f"`{name}` of {len(tutte)} positive numbers"):
            flatten_least_distorted(*arguments, **{name: np.ones(3)})
    with pytest.raises(ValueError, match=r"`magnification` of .* from 0 to 0"):
        flatten_least_distorted(*arguments, magnification=np.zeros(len(tutte)))
    with pytest.raises(ValueError, match="without turned triangles"):
        flatten_least_distorted(*arguments, start=tutte[:, ::-1])


@pytest.mark.parametrize("symmetric", [True, False])
def test_a_start_that_is_no_flattening_of_the_mesh_onto_the_square_is_refused(symmetric, face):
    flatten = flatten_symmetric if symmetric else flatten_disc
    whole = flatten(face.mean, face.triangles)
    longer, wider = np.concatenate([whole, whole]), np.column_stack([whole, whole])
    for start in (whole[:-1], longer, wider, whole * np.nan):
        with pytest.raises(ValueError, match="`start` of shape"):
            flatten_least_distorted(face.mean, face.triangles, start=start, symmetric=symmetric)
    for start in (whole / 2 + 0.25, 2 * whole - 0.5):
        with pytest.raises(ValueError, match="fills the square from 0 to 1, received one from"):
            flatten_least_distorted(face.mean, face.triangles, start=start, symmetric=symmetric)


def test_a_mesh_that_is_no_disc_is_refused_with_a_start_and_without(face, tutte):
    middles = tutte[face.triangles].mean(axis=1)
    inner = np.linalg.norm(middles - [0.3, 0.5], axis=1).argmin()
    holed = np.delete(face.triangles, inner, axis=0)
    for triangles in (face.triangles + 7, holed):
        for start in (None, tutte):
            for symmetric in (True, False):
                with pytest.raises(ValueError, match=r"number vertices 0 to|2 boundary loops"):
                    flatten_least_distorted(
                        face.mean, triangles, start=start, symmetric=symmetric, iterations=1
                    )


def test_a_mirror_that_is_none_is_refused_with_a_start(face, tutte):
    for mirror in (face.mirror[:-1], face.mirror + 900, np.roll(face.mirror, 1)):
        with pytest.raises(ValueError, match="`mirror` to be an involution"):
            flatten_least_distorted(face.mean, face.triangles, mirror, start=tutte)


def test_no_magnification_at_all_is_refused(face):
    with pytest.raises(ValueError, match=r"positive numbers, received shape \(0,\)"):
        flatten_least_distorted(face.mean, face.triangles, face.mirror, magnification=[])
