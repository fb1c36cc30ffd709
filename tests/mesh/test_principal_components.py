"""Shape models of registered meshes."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from keras_3dmmstn.mesh import shape_model_from_meshes
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from tests.support.toy_leaves import LANDMARKS, leaf_triangles, leaves


@pytest.fixture(scope="module")
def toy():
    return toy_shape_model(31, 31)


def toy_faces(toy, count=8):
    rng = np.random.default_rng(3)
    coefficients = rng.normal(size=(count, toy.modes))
    return toy.mean + np.tensordot(coefficients, toy.basis, 1)


def test_mean_and_modes_make_the_meshes_again():
    meshes = leaves()
    model = shape_model_from_meshes(meshes, leaf_triangles(), align=False)
    assert (model.modes, model.identity_count) == (11, 11)
    flat = model.basis.reshape(model.modes, -1)
    for mesh in meshes:
        offset = (mesh - model.mean).ravel()
        coefficients = np.linalg.lstsq(flat.T, offset, rcond=None)[0]
        np.testing.assert_allclose(model.shape(coefficients), mesh, atol=1e-3)  # millimetres


def test_coefficients_have_unit_variance():
    meshes = leaves(40)
    model = shape_model_from_meshes(meshes, leaf_triangles(), 3, align=False)
    flat = model.basis.reshape(3, -1).astype(float)
    coefficients = (meshes - model.mean).reshape(40, -1) @ np.linalg.pinv(flat)
    np.testing.assert_allclose(coefficients.std(axis=0, ddof=1), 1, rtol=1e-3)


def test_alignment_takes_pose_and_size_out_of_the_modes():
    mesh, rng = leaves(1)[0], np.random.default_rng(1)
    turns = Rotation.from_rotvec(0.4 * rng.normal(size=(5, 3))).as_matrix()
    meshes = [s * mesh @ turn.T + 9 * s for s, turn in zip((1, 2, 3, 1, 1), turns, strict=True)]
    model = shape_model_from_meshes(meshes, leaf_triangles())
    assert np.abs(model.basis).max() < 1e-3  # millimetres: nothing is left to vary
    turned = shape_model_from_meshes(meshes, leaf_triangles(), align=False)
    assert np.abs(turned.basis).max() > 1


def test_landmarks_keep_the_names_of_their_user():
    sets = {"leaf": LANDMARKS, "ends": LANDMARKS[:2]}
    model = shape_model_from_meshes(leaves(), leaf_triangles(), 2, sets, name="leaves")
    assert model.name == "leaves" and sorted(model.landmarks) == ["ends", "leaf"]
    np.testing.assert_array_equal(model.landmarks["leaf"], LANDMARKS)


def test_a_symmetric_model_is_its_own_mirror_image(toy):
    # The sixth mode of the toy face pulls the mouth sideways, which is not kept.
    meshes = toy_faces(toy) + [5, 0, 0]  # the plane of symmetry need not be x = 0
    model = shape_model_from_meshes(meshes, toy.triangles, symmetric=True)
    np.testing.assert_array_equal(model.mirror, toy.mirror)
    np.testing.assert_allclose(model.mean[model.mirror], model.mean * [-1, 1, 1], atol=1e-4)
    np.testing.assert_allclose(model.basis[:, model.mirror], model.basis * [-1, 1, 1], atol=1e-4)


def test_a_model_is_not_symmetric_unless_asked(toy):
    assert shape_model_from_meshes(toy_faces(toy), toy.triangles).mirror is None


def test_no_symmetry_is_an_error_where_it_is_asked_for():
    with pytest.raises(ValueError, match="mirror symmetric"):
        shape_model_from_meshes(leaves(), leaf_triangles(), symmetric=True)


@pytest.mark.parametrize(
    ("meshes", "modes", "message"),
    [
        (leaves(2), None, "at least three meshes"),
        (leaves(4)[:, :, :2], None, "at least three meshes"),
        (np.full((3, 357, 3), np.nan), None, "finite"),
        (leaves(4), 4, "from 0 to 3"),
        (leaves(4), 1.5, "from 0 to 3"),
        (np.zeros((3, 357, 3)), None, "extent"),
        (leaves(4)[:, :100], None, "number vertices 0 to 99"),
    ],
)
def test_wrong_arguments_are_named(meshes, modes, message):
    with pytest.raises(ValueError, match=message):
        shape_model_from_meshes(meshes, leaf_triangles(), modes)


@pytest.mark.parametrize("symmetric", [True, False])
def test_triangles_that_are_none_are_named(symmetric, toy):
    meshes, triangles = toy_faces(toy), toy.triangles
    for wrong, message in (
        (triangles + len(toy.mean), "number vertices 0 to"),
        (triangles.ravel(), r"`triangles` of shape \(triangles, 3\)"),
        (np.where(triangles == 0, np.nan, triangles), "whole numbers in triangles"),
        (triangles + 0.5, "whole numbers in triangles"),
    ):
        with pytest.raises(ValueError, match=message):
            shape_model_from_meshes(meshes, wrong, symmetric=symmetric)
    found = shape_model_from_meshes(meshes, triangles.astype(float), symmetric=symmetric)
    np.testing.assert_array_equal(found.triangles, triangles)
