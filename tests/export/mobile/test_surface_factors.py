"""The reduced basis."""

import numpy as np
import pytest

from keras_3dmmstn.export.mobile.surface_factors import factorise_basis
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model


def test_all_patterns_give_the_basis():
    model = toy_grid_model((13, 10))
    factors = factorise_basis(model, 20)
    assert factors.rows.shape == (13, 13) and factors.columns.shape == (10, 10)
    np.testing.assert_allclose(factors.basis(), model.basis, atol=1e-5)


def test_rows_and_columns_are_not_exchanged():
    # One mode whose z grows along the rows as 1, 2, 3 and along the columns as 1, 10.
    basis = np.zeros((1, 3, 2, 3), np.float32)
    basis[0, :, :, 2] = np.outer([1, 2, 3], [1, 10])
    model = GridModel(np.zeros((6, 3)), basis.reshape(1, 6, 3), (3, 2))
    factors = factorise_basis(model, 1)
    np.testing.assert_allclose(factors.basis(), model.basis, atol=1e-5)
    np.testing.assert_allclose(factors.rows[:, 0] / factors.rows[0, 0], [1, 2, 3], rtol=1e-5)


def test_the_error_falls_with_the_rank():
    model = toy_grid_model((16, 16))
    errors = [
        np.square(factorise_basis(model, rank).basis() - model.basis).sum() for rank in (1, 2, 4)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_a_rank_of_0_is_refused():
    with pytest.raises(ValueError, match="at least 1, received 0"):
        factorise_basis(toy_grid_model((13, 10)), 0)
