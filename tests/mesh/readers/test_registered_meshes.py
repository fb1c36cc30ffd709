"""Principal components of a folder of registered meshes."""

import igl
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from keras_3dmmstn.mesh.readers.registered_meshes import read_registered_meshes


@pytest.fixture
def folder(tmp_path, small):
    """Six meshes of two modes, all but the first turned, moved and scaled."""
    rng = np.random.default_rng(6)
    coefficients = rng.normal(size=(6, 2))
    shapes = small.mean + np.tensordot(coefficients, small.identity[:2], 1)
    for number, shape in enumerate(shapes):
        if number:
            turn = Rotation.from_rotvec(0.3 * rng.normal(size=3)).as_matrix()
            shape = rng.uniform(0.8, 1.2) * shape @ turn.T + 20 * rng.normal(size=3)
        suffix = "ply" if number % 2 else "obj"
        igl.write_triangle_mesh(str(tmp_path / f"face{number}.{suffix}"), shape, small.triangles)
    return tmp_path


def test_the_modes_explain_the_meshes(folder, small):
    model = read_registered_meshes(folder)
    assert (model.modes, model.identity_count) == (5, 5)
    spread = np.linalg.norm(model.basis, axis=(1, 2))
    assert (np.diff(spread) <= 1e-6).all()
    # Two modes are in the data; similarity alignment and its scale leave little else.
    assert spread[2] < 0.1 * spread[1]
    first, _ = igl.read_triangle_mesh(str(folder / "face0.obj"))
    first = first - first.mean(axis=0)
    found = model.mean * [1, -1, -1]
    found = found - found.mean(axis=0)
    assert np.linalg.norm(found / np.linalg.norm(found) - first / np.linalg.norm(first)) < 0.1


def test_coefficients_have_unit_variance(folder):
    model = read_registered_meshes(folder, 2)
    assert model.modes == 2
    basis = model.basis.reshape(2, -1)
    # The meshes' own coefficients: project each, after alignment, on the modes.
    coefficients = []
    for file in sorted(folder.glob("face*")):
        shape = igl.read_triangle_mesh(str(file))[0] * [1, -1, -1]
        shape = shape - shape.mean(axis=0)
        mean = model.mean - model.mean.mean(axis=0)
        turn, _ = Rotation.align_vectors(mean, shape)
        shape = turn.apply(shape)
        shape *= (shape * mean).sum() / (shape**2).sum()
        coefficients.append(np.linalg.lstsq(basis.T, (shape - mean).ravel(), rcond=None)[0])
    np.testing.assert_allclose(np.std(coefficients, axis=0, ddof=1), 1, rtol=0.05)


def test_size_is_the_average_and_pose_is_the_first(folder):
    def size(points):
        return np.linalg.norm(points - points.mean(axis=0))

    model = read_registered_meshes(folder, 1, unit="cm", frame="y down")
    sizes = [size(igl.read_triangle_mesh(str(file))[0]) for file in folder.glob("face*")]
    np.testing.assert_allclose(size(model.mean), 10 * np.mean(sizes), rtol=1e-3)
    first, _ = igl.read_triangle_mesh(str(folder / "face0.obj"))
    turn, _ = Rotation.align_vectors(model.mean - model.mean.mean(0), first - first.mean(0))
    assert turn.magnitude() < 1e-3


def test_mirrored_meshes_are_not_turned_inside_out(tmp_path, small):
    for number, factor in enumerate(([1, 1, 1], [1, 1, 1], [-1, 1, 1])):
        shape = small.mean * factor + number
        igl.write_triangle_mesh(str(tmp_path / f"{number}.obj"), shape, small.triangles)
    model = read_registered_meshes(tmp_path)
    assert np.isfinite(model.mean).all() and np.linalg.norm(model.basis[0]) > 10


def test_wrong_folders(folder, small, tmp_path):
    with pytest.raises(ValueError, match="0 to 5 identity modes, received 6"):
        read_registered_meshes(folder, 6)
    with pytest.raises(ValueError, match="0 to 0 expression modes, received 1"):
        read_registered_meshes(folder, 1, 1)
    igl.write_triangle_mesh(str(folder / "g.obj"), small.mean, small.triangles[:, [1, 2, 0]])
    with pytest.raises(ValueError, match=r"g\.obj.*other triangles"):
        read_registered_meshes(folder)
    igl.write_triangle_mesh(str(folder / "g.obj"), small.mean[:62], small.triangles[:20])
    with pytest.raises(ValueError, match=r"g\.obj.*received 62 vertices\."):
        read_registered_meshes(folder)
    igl.write_triangle_mesh(str(folder / "g.obj"), 0 * small.mean, small.triangles)
    with pytest.raises(ValueError, match="a single point"):
        read_registered_meshes(folder)
    for damaged in ("", "no mesh", "v 0 0 0\nf 1 2 3\n", "v 1 2\n"):
        (folder / "g.obj").write_text(damaged)
        with pytest.raises(ValueError, match=r"g\.obj"):
            read_registered_meshes(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"at least three meshes.*received 0"):
        read_registered_meshes(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        read_registered_meshes(tmp_path / "absent")
    with pytest.raises(ValueError, match="`unit`"):
        read_registered_meshes(folder, unit="inch")
