"""The face model's file, read as the page reads it."""

import numpy as np

from keras_3dmmstn import GridModel
from keras_3dmmstn.export.web.surface_file import surface_file
from keras_3dmmstn.mesh.synthetic import toy_grid_model


def shape(about, content, coefficients):
    """The vertices that the page computes, as its `FaceModel` does."""
    (height, width), (rows_rank, columns_rank) = about["grid"], about["rank"]
    sizes = (height * width * 3, height * rows_rank, width * columns_rank)
    integers = np.frombuffer(content, "<i2")
    mean, rows, columns, core = np.split(integers, np.cumsum(sizes))
    scales = about["scales"]
    core = core.reshape(about["modes"], 3, columns_rank, rows_rank)
    weights = np.multiply(coefficients, scales["core"])
    core = np.tensordot(weights, core, 1)
    rows = rows.reshape(height, -1) * scales["rows"]
    columns = columns.reshape(width, -1) * scales["columns"]
    offsets = np.einsum("ia,cba,jb->ijc", rows, core, columns).reshape(-1, 3)
    return mean.reshape(-1, 3) * scales["mean"] + offsets


def test_a_toy_face_loses_nothing_but_rounding(rng):
    model = toy_grid_model((16, 12))
    about, content = surface_file(model, None)
    coefficients = rng.normal(size=model.modes)
    # Rounding moves a coordinate by at most half a step, of 65,534 in the range.
    np.testing.assert_allclose(
        shape(about, content, coefficients), model.shape(coefficients), atol=0.02
    )
    assert about["focal_length"] is None and about["name"] == model.name


def test_the_bundled_face_is_that_of_python(rng):
    model = GridModel.bundled()
    about, content = surface_file(model, 1.5)
    assert len(content) < 1e6 and about["focal_length"] == 1.5
    for _ in range(3):
        coefficients = rng.normal(size=model.modes)
        off = np.linalg.norm(
            shape(about, content, coefficients) - model.shape(coefficients), axis=1
        )
        assert off.mean() < 0.06  # millimetres


def test_a_mode_that_does_nothing_has_a_scale():
    model = toy_grid_model((16, 12))
    still = GridModel(model.mean, np.zeros_like(model.basis), model.grid_shape)
    about, content = surface_file(still, None)
    np.testing.assert_allclose(shape(about, content, np.ones(model.modes)), model.mean, atol=0.02)
