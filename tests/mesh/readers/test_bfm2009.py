"""The Basel Face Model 2009, on files in its layout."""

import igl
import numpy as np
import pytest
import scipy.io

from keras_3dmmstn.mesh.readers.bfm2009 import read_bfm2009

DEVIATION = np.array([3000.0, 2000.0, 1500.0, 1000.0])


@pytest.fixture
def shape_file(tmp_path, small):
    """Micrometres, unit vectors in columns, triangles from 1 and clockwise."""
    path = tmp_path / "01_MorphableModel.mat"
    arrays = {
        "shapeMU": 1000 * small.mean.reshape(-1, 1),
        "shapePC": small.identity.reshape(4, -1).T,
        "shapeEV": DEVIATION[:, None],
        "tl": (small.triangles[:, [0, 2, 1]] + 1).astype(float),
        "texMU": np.zeros((189, 1)),
    }
    scipy.io.savemat(path, {k: np.asarray(a, np.float32) for k, a in arrays.items()})
    return path


@pytest.fixture
def write_expressions(tmp_path, small):
    """Writes 3DDFA's expression model on the vertices but those in `missing`."""

    def write(missing=(24, 25, 31), modes=None, index="trimIndex", **replaced):
        kept = np.setdiff1d(np.arange(63), missing)
        modes = small.expression if modes is None else modes
        arrays = {
            "mu_exp": 100 * np.ones((3 * len(kept), 1)),
            "w_exp": modes[:, kept].reshape(len(modes), -1).T,
            "sigma_exp": np.arange(1.0, len(modes) + 1)[:, None] * 500,
            **replaced,
        }
        scipy.io.savemat(tmp_path / "Model_Expression.mat", arrays)
        numbers = {"trimIndex": kept[:, None] + 1, "map_tddfa_to_basel": kept[None]}[index]
        name = {"trimIndex": "model_info.mat"}.get(index, f"{index}.mat")
        scipy.io.savemat(tmp_path / name, {index: numbers.astype(float)})
        return tmp_path / "Model_Expression.mat"

    return write


def test_shape_is_in_our_frame_and_has_unit_variance(shape_file, small):
    model = read_bfm2009(shape_file, identity=3)
    np.testing.assert_allclose(model.mean, small.to_package(small.mean), atol=1e-4)
    expected = small.to_package(small.identity * DEVIATION[:, None, None] / 1000)
    np.testing.assert_allclose(model.basis, expected[:3], atol=1e-5)
    assert (model.identity_count, model.modes) == (3, 3)


def test_triangles_count_from_0_and_are_outward(shape_file, small):
    model = read_bfm2009(shape_file, identity=0)
    found = {frozenset(t) for t in model.triangles.tolist()}
    assert found == {frozenset(t) for t in small.triangles.tolist()}
    corners = model.mean[model.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] < 0).all()


@pytest.mark.parametrize("index", ["trimIndex", "map_tddfa_to_basel"])
def test_expressions_are_kept_where_known_and_harmonic_elsewhere(
    shape_file, write_expressions, small, index
):
    model = read_bfm2009(shape_file, 2, 3, expressions=write_expressions(index=index))
    assert (model.identity_count, model.modes) == (2, 5)
    missing = [24, 25, 31]
    kept = np.setdiff1d(np.arange(63), missing)
    scale = np.array([500.0, 1000.0, 1500.0])[:, None, None] / 1000
    expected = small.to_package(small.expression[:3] * scale)
    np.testing.assert_allclose(model.basis[2:, kept], expected[:, kept], atol=1e-5)
    laplacian = igl.cotmatrix(small.mean, small.triangles)[missing]
    for mode in model.basis[2:]:
        np.testing.assert_allclose(laplacian @ mode, 0, atol=1e-4)


def test_mean_includes_the_mean_expression(shape_file, write_expressions, small):
    model = read_bfm2009(shape_file, 1, 1, expressions=write_expressions())
    # A constant is harmonic: 100 micrometres along each axis reach the missing vertices too.
    np.testing.assert_allclose(model.mean, small.to_package(small.mean + 0.1), atol=1e-4)


def test_five_expressions_by_default(shape_file, write_expressions, small):
    six = np.concatenate([small.expression, small.expression[:2]])
    assert read_bfm2009(shape_file, 2, expressions=write_expressions(modes=six)).modes == 7


def test_landmarks_come_from_annotation_files(shape_file, tmp_path):
    numbers = "\n".join(str(n % 63 + 1) for n in range(68))
    (tmp_path / "Landmarks68_BFM.anl").write_text(f"%68 points\n%\n{numbers}\n")
    numbers = "\n".join(str(n + 1) for n in range(21))
    (tmp_path / "Landmarks21_BFM.anl").write_text(f"%21 points\n{numbers}\n\n")
    landmarks = read_bfm2009(shape_file, 1, landmarks=tmp_path).landmarks
    np.testing.assert_array_equal(landmarks["ibug68"], np.arange(68) % 63)
    np.testing.assert_array_equal(landmarks["aflw21"], np.arange(21))
    (tmp_path / "Landmarks21_BFM.anl").write_text("0\n" * 21)
    with pytest.raises(ValueError, match=r"Landmarks21_BFM\.anl.*vertices 1 to 63, received 0"):
        read_bfm2009(shape_file, 1, landmarks=tmp_path)
    (tmp_path / "Landmarks21_BFM.anl").write_text("1\n2\n")
    with pytest.raises(ValueError, match="21 or 68 landmarks, received 2"):
        read_bfm2009(shape_file, 1, landmarks=tmp_path)
    (tmp_path / "other.anl").write_text("one\n")
    with pytest.raises(ValueError, match="one vertex number a line"):
        read_bfm2009(shape_file, 1, landmarks=tmp_path / "other.anl")
    with pytest.raises(ValueError, match="expected a folder"):
        read_bfm2009(shape_file, 1, landmarks=tmp_path.parent)


def test_too_many_modes(shape_file, write_expressions):
    with pytest.raises(ValueError, match="0 to 4 identity modes, received 5"):
        read_bfm2009(shape_file)
    with pytest.raises(ValueError, match="0 to 0 expression modes, received 2"):
        read_bfm2009(shape_file, 4, 2)
    with pytest.raises(ValueError, match="0 to 4 expression modes, received 5"):
        read_bfm2009(shape_file, 4, 5, expressions=write_expressions())
    with pytest.raises(ValueError, match="received -1"):
        read_bfm2009(shape_file, -1)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("tl", None, "tl, which is missing"),
        ("tl", np.full((5, 3), 64.0), "`tl` to number vertices 1 to 63, received 64"),
        ("tl", np.full((5, 3), 0.0), "received 0.0"),
        ("tl", np.full((5, 3), 1.5), "whole numbers in `tl`"),
        ("tl", np.ones((5, 5)), r"`tl` of shape \(any, 3\)"),
        ("tl", np.ones((5, 4)), r"three different corners at least in `tl`, received none"),
        ("shapeMU", np.zeros((188, 1)), r"`shapeMU` of shape \(3 · vertices, 1\)"),
        ("shapeMU", np.full((189, 1), np.nan), "finite numbers .* in `shapeMU`"),
        ("shapePC", np.zeros((186, 4)), r"`shapePC` of shape \(189, any\).*\(186, 4\)"),
        ("shapeEV", np.ones((3, 1)), r"`shapeEV` of shape \(4\)"),
    ],
)
def test_wrong_arrays_are_named(shape_file, name, array, message):
    arrays = scipy.io.loadmat(shape_file)
    arrays = {k: a for k, a in arrays.items() if not k.startswith("__") and k != name}
    scipy.io.savemat(shape_file, arrays if array is None else {**arrays, name: array})
    with pytest.raises(ValueError, match=message) as error:
        read_bfm2009(shape_file, 4)
    assert "01_MorphableModel.mat" in str(error.value)


def test_wrong_expression_files(shape_file, write_expressions, tmp_path, small):
    with pytest.raises(ValueError, match="`sigma_exp` of shape"):
        read_bfm2009(shape_file, 2, 2, expressions=write_expressions(sigma_exp=np.ones(3)))
    path = write_expressions()
    scipy.io.savemat(tmp_path / "model_info.mat", {"trimIndex": np.ones(60)})
    with pytest.raises(ValueError, match="each vertex once"):
        read_bfm2009(shape_file, 2, 2, expressions=path)
    scipy.io.savemat(tmp_path / "model_info.mat", {"other": np.ones(60)})
    with pytest.raises(ValueError, match="received neither"):
        read_bfm2009(shape_file, 2, 2, expressions=path)
    (tmp_path / "model_info.mat").unlink()
    with pytest.raises(ValueError, match="`vertex_map`"):
        read_bfm2009(shape_file, 2, 2, expressions=path)


def test_expressions_that_cannot_reach_a_vertex(shape_file, write_expressions, small):
    arrays = scipy.io.loadmat(shape_file)
    loose = ~(small.triangles == 31).any(axis=1)
    scipy.io.savemat(
        shape_file,
        {k: arrays[k] for k in ("shapeMU", "shapePC", "shapeEV")}
        | {"tl": small.triangles[loose] + 1},
    )
    with pytest.raises(ValueError, match="connected"):
        read_bfm2009(shape_file, 2, 2, expressions=write_expressions())


def test_truncated_or_other_file(shape_file, tmp_path):
    content = shape_file.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"no model", content[:200]):
        shape_file.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"01_MorphableModel\.mat"):
            read_bfm2009(shape_file, 2)
    with pytest.raises(FileNotFoundError):
        read_bfm2009(tmp_path / "absent.mat")
