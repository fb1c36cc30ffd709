"""FLAME, on files in its layout."""

import pickle
import sys
import types

import numpy as np
import pytest

from keras_3dmmstn.mesh.readers.flame import read_flame
from keras_3dmmstn.mesh.synthetic import toy_shape_model


@pytest.fixture
def arrays(small):
    """Metres; 300 identity modes and then 100 expression modes, along the last axis."""
    modes = np.random.default_rng(8).normal(size=(63, 3, 400)) / 1000
    return {
        "v_template": small.mean / 1000,
        "shapedirs": modes,
        "f": small.triangles.astype(np.uint32),
        "weights": np.ones((63, 5)),
        "kintree_table": np.array([[4294967295, 0], [0, 1]]),
        "bs_type": "lrotmin",
    }


def assert_holds(model, arrays, small, identity, expression):
    np.testing.assert_allclose(model.mean, small.to_package(small.mean), atol=1e-4)
    kept = [*range(identity), *range(300, 300 + expression)]
    expected = 1000 * small.to_package(arrays["shapedirs"][:, :, kept].transpose(2, 0, 1))
    np.testing.assert_allclose(model.basis, expected, atol=1e-5)
    np.testing.assert_array_equal(model.triangles, small.triangles)
    assert model.identity_count == identity


def test_npz(tmp_path, arrays, small):
    np.savez(tmp_path / "flame2023.npz", **arrays)
    assert_holds(read_flame(tmp_path / "flame2023.npz", 7, 3), arrays, small, 7, 3)
    assert read_flame(tmp_path / "flame2023.npz").modes == 400


def test_pickle_of_arrays(tmp_path, arrays, small):
    (tmp_path / "flame2023.pkl").write_bytes(pickle.dumps(arrays, 2))
    assert_holds(read_flame(tmp_path / "flame2023.pkl", 2, 1), arrays, small, 2, 1)


def test_pickle_with_chumpy_and_sparse_arrays(tmp_path, arrays, small, monkeypatch):
    scipy_sparse = pytest.importorskip("scipy.sparse")

    class Ch:
        def __init__(self, x):
            self.x, self._dirty_vars, self._itr = x, set(), None

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module = types.ModuleType("chumpy.ch")
    module.Ch = Ch
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    official = arrays | {
        "shapedirs": Ch(arrays["shapedirs"]),
        "v_template": Ch(arrays["v_template"]),
        "J_regressor": scipy_sparse.csc_matrix(np.ones((5, 63))),
    }
    (tmp_path / "generic_model.pkl").write_bytes(pickle.dumps(official, 2))
    monkeypatch.delitem(sys.modules, "chumpy.ch")
    assert_holds(read_flame(tmp_path / "generic_model.pkl", 2, 1), arrays, small, 2, 1)


def test_mode_counts(tmp_path, arrays):
    path = tmp_path / "flame.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="0 to 300 identity modes, received 301"):
        read_flame(path, 301)
    with pytest.raises(ValueError, match="0 to 100 expression modes, received 101"):
        read_flame(path, 1, 101)
    np.savez(path, **arrays | {"shapedirs": arrays["shapedirs"][:, :, :10]})
    with pytest.raises(ValueError, match="0 to 0 expression modes, received 1"):
        read_flame(path, 10, 1)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("shapedirs", None, "shapedirs, which is missing"),
        ("shapedirs", np.zeros((62, 3, 400)), r"`shapedirs` of shape \(63, 3, any\)"),
        ("v_template", np.zeros(63), r"`v_template` of shape \(any, 3\)"),
        ("v_template", np.full((63, 3), np.inf), "finite numbers .* in `v_template`"),
        ("f", np.array([[0, 1, 70]]), "`f` to number vertices 0 to 62"),
    ],
)
@pytest.mark.parametrize("suffix", ["npz", "pkl"])
def test_wrong_arrays_are_named(tmp_path, arrays, name, array, message, suffix):
    changed = {k: a for k, a in arrays.items() if k != name}
    changed = changed if array is None else {**changed, name: array}
    path = tmp_path / f"flame.{suffix}"
    if suffix == "npz":
        np.savez(path, **changed)
    else:
        path.write_bytes(pickle.dumps(changed))
    with pytest.raises(ValueError, match=message) as error:
        read_flame(path)
    assert path.name in str(error.value)


def test_hostile_and_damaged_files(tmp_path, arrays):
    path = tmp_path / "flame.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR.")
    with pytest.raises(ValueError, match=r"flame\.pkl.*os\.system"):
        read_flame(path)
    assert not (tmp_path / "ran").exists()
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(ValueError, match=r"expected a dictionary.*received list"):
        read_flame(path)
    np.savez(tmp_path / "flame.npz", **arrays | {"f": np.array([object()])})
    with pytest.raises(ValueError, match=r"flame\.npz"):
        read_flame(tmp_path / "flame.npz")
    (tmp_path / "flame.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"flame\.npz"):
        read_flame(tmp_path / "flame.npz")


@pytest.fixture
def toy_file(tmp_path):
    """The toy face in FLAME's layout, and the triangle and corner of each of its landmarks."""
    toy = toy_shape_model(31, 31)
    path = tmp_path / "flame.npz"
    y_up = np.array([1.0, -1.0, -1.0])
    np.savez(
        path,
        v_template=toy.mean * y_up / 1000,
        shapedirs=(toy.basis[:3] * y_up / 1000).transpose(1, 2, 0),
        # Clockwise: the embedding counts corners as the file has them.
        f=toy.triangles[:, ::-1],
    )
    points = toy.landmarks["ibug68"]
    faces = np.array([np.flatnonzero((toy.triangles == v).any(axis=1))[0] for v in points])
    weights = np.where(toy.triangles[:, ::-1][faces] == points[:, None], 0.8, 0.1)
    return path, toy, faces, weights


def test_full_landmark_embedding(toy_file, tmp_path):
    path, toy, faces, weights = toy_file
    embedding = {"full_lmk_faces_idx": faces[None], "full_lmk_bary_coords": weights[None]}
    np.save(tmp_path / "landmark_embedding.npy", embedding, allow_pickle=True)
    model = read_flame(path, landmarks=tmp_path / "landmark_embedding.npy")
    np.testing.assert_array_equal(model.landmarks["ibug68"], toy.landmarks["ibug68"])


def test_static_landmark_embedding_gets_a_jaw(toy_file, tmp_path):
    path, toy, faces, weights = toy_file
    embedding = {"lmk_face_idx": faces[17:], "lmk_b_coords": weights[17:]}
    (tmp_path / "flame_static_embedding.pkl").write_bytes(pickle.dumps(embedding, 2))
    model = read_flame(path, landmarks=tmp_path / "flame_static_embedding.pkl")
    points = model.landmarks["ibug68"]
    np.testing.assert_array_equal(points[17:], toy.landmarks["ibug68"][17:])
    jaw = model.mean[points[:17]]
    assert (np.diff(jaw[1:16, 0]) > 0).all() and (np.diff(jaw[1:9, 1]) >= 0).all()
    assert jaw[8, 1] > model.mean[points[57], 1] + 5


def test_wrong_embeddings(toy_file, tmp_path):
    path, _, faces, weights = toy_file
    wrong = [
        ({"faces": faces}, "expected a landmark embedding"),
        ({"full_lmk_faces_idx": faces}, "full_lmk_bary_coords, which is missing"),
        ({"full_lmk_faces_idx": faces[:60], "full_lmk_bary_coords": weights}, r"shape \(68\)"),
        ({"full_lmk_faces_idx": faces + 9999, "full_lmk_bary_coords": weights}, "triangles"),
        ({"full_lmk_faces_idx": faces, "full_lmk_bary_coords": weights[:9]}, r"\(68, 3\)"),
    ]
    for embedding, message in wrong:
        np.save(tmp_path / "e.npy", embedding, allow_pickle=True)
        with pytest.raises(ValueError, match=message) as error:
            read_flame(path, landmarks=tmp_path / "e.npy")
        assert "e.npy" in str(error.value)
