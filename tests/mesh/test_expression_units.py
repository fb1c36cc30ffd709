"""Named expressions in terms of modes, and those of the bundled face."""

import numpy as np

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.expression_units import expression_units, unit_activations


def test_units_are_exact_with_all_modes_and_nearest_with_fewer(rng):
    shapes = rng.normal(size=(3, 20, 3))
    modes = np.tensordot(rng.normal(size=(3, 3)), shapes, 1)
    units = expression_units(["a", "b", "c"], shapes, modes)
    made = np.stack([np.tensordot(unit, modes, 1) for unit in units.values()])
    np.testing.assert_allclose(made, shapes, atol=1e-4)
    unit = expression_units(["a"], shapes[:1], modes[:2])["a"].astype(float)
    rest = shapes[0] - np.tensordot(unit, modes[:2], 1)
    np.testing.assert_allclose(np.tensordot(modes[:2], rest, 2), 0, atol=1e-4)
    assert expression_units(["a"], shapes[:1], modes[:0]) == {}


def test_activations_are_the_smallest_that_make_an_expression():
    units = {"a": np.array([1.0, 0]), "b": np.array([1.0, 0]), "c": np.array([0, 2.0])}
    np.testing.assert_allclose(unit_activations(units, np.array([3.0, -4.0])), [1.5, 1.5, -2])
    assert unit_activations({"a": units["a"], "b": units["b"]}, np.ones(2)) is None
    assert unit_activations({}, np.ones(2)) is None


def test_the_bundled_face_has_the_units_of_its_source():
    model = GridModel.bundled()
    units, modes = model.expression_units, model.basis[model.identity_count :]
    assert len(units) == 43 and np.linalg.matrix_rank(np.stack([*units.values()])) == len(modes)
    points = model.landmarks["ibug68"]

    def shifts(name):
        return np.tensordot(units[name], modes, 1)[points]

    # Down is +y. Left is the person's, at the right of the picture: +x.
    assert shifts("jawOpen")[8, 1] > 10 and shifts("jawOpen")[57, 1] > 10
    corners = shifts("mouthSmileLeft")[[48, 54], 1]
    assert corners[1] < -5 and abs(corners[0]) < 2
    lids = shifts("eyeBlinkLeft")[[37, 38, 43, 44], 1]
    assert (lids[2:] > 5).all() and (lids[:2] < 4).all()
