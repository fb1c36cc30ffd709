"""Who takes whose place among the landmarks of a mirrored picture."""

import dataclasses

import numpy as np
import pytest

from keras_3dmmstn.mesh.landmark_sets import mirror_permutation
from keras_3dmmstn.mesh.synthetic import toy_grid_model


@pytest.mark.parametrize("size", [64, 65])  # with and without a column on the symmetry line
@pytest.mark.parametrize("name", ["ibug68", "ibug68+aflw21"])
def test_pairs_of_known_sets_are_found(size, name):
    model = toy_grid_model((size, size))
    np.testing.assert_array_equal(model.mirror_permutation(name), mirror_permutation(name))


def test_sets_of_one_s_own_have_pairs_too():
    model = toy_grid_model((20, 20))
    corners = {"corners": np.array([0, 19, 380, 399, 10])}
    model = dataclasses.replace(model, landmarks=corners)
    np.testing.assert_array_equal(model.mirror_permutation("corners"), [1, 0, 3, 2, 4])


def test_a_landmark_without_a_partner_is_named():
    model = dataclasses.replace(toy_grid_model((20, 20)), landmarks={"two": np.array([9, 0])})
    with pytest.raises(ValueError, match="without a partner"):
        model.mirror_permutation("two")
