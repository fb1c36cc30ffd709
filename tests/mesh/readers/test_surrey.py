"""The Surrey Face Model: the real files where present."""

import shutil

import numpy as np
import pytest

from keras_3dmmstn.mesh.readers.surrey import read_surrey
from tests.support.paths import published_model


@pytest.fixture
def folder():
    return published_model("sfm")


def test_frame_size_and_landmarks(folder, assert_is_upright_face):
    model = read_surrey(folder)
    assert model.mean.shape == (3448, 3)
    assert (model.identity_count, model.modes) == (63, 69)
    assert len(np.unique(model.landmarks["ibug68"])) == 68
    assert_is_upright_face(model)


def test_values_are_those_of_eos(folder):
    eos = pytest.importorskip("eos", reason="eos-py, the oracle, is not installed")
    path = folder / "sfm_shape_3448.bin"
    shape = eos.morphablemodel.load_model(str(path)).get_shape_model()
    coefficients = np.linspace(-1, 1, 63)
    expected = shape.draw_sample(coefficients.tolist()).reshape(-1, 3) * [1, -1, -1]
    model = read_surrey(path, 63, 0)
    np.testing.assert_allclose(model.shape(coefficients), expected, atol=1e-3)


def test_landmarks_of_the_table_are_kept(folder):
    points = read_surrey(folder, 0, 0).landmarks["ibug68"]
    assert points[[8, 30, 36, 45, 61]].tolist() == [33, 114, 177, 610, 416]


def test_derived_landmarks_are_placed_symmetrically(folder):
    model = read_surrey(folder, 0, 0)
    points = model.mean[model.landmarks["ibug68"]]
    reflected = points[[*range(16, -1, -1), 64, 60]] * [-1, 1, 1]
    distance = np.linalg.norm(points[[*range(17), 60, 64]] - reflected, axis=1)
    assert distance.max() < 6, "about one edge of the mesh"
    steps = np.linalg.norm(np.diff(points[:17], axis=0), axis=1)
    assert steps.max() < 2 * steps.min()


def test_expressions_span_the_blend_shapes(folder):
    eos = pytest.importorskip("eos", reason="eos-py, the oracle, is not installed")
    model = read_surrey(folder, 0)
    shapes = eos.morphablemodel.load_blendshapes(str(folder / "expression_blendshapes_3448.bin"))
    smile = next(s for s in shapes if s.name == "happiness")
    offset = (np.reshape(smile.deformation, (-1, 3)) * [1, -1, -1]).ravel()
    basis = model.basis.reshape(6, -1).T
    found = np.linalg.lstsq(basis, offset, rcond=None)[0]
    np.testing.assert_allclose(basis @ found, offset, atol=1e-3)
    # An independent activation of root mean square 1/2: the full shape is at a distance of 2.
    np.testing.assert_allclose(np.linalg.norm(found), 2, rtol=1e-3)
    assert [*model.expression_units] == [shape.name for shape in shapes]
    np.testing.assert_allclose(model.expression_units["happiness"], found, atol=1e-3)


def test_mode_counts(folder):
    assert read_surrey(folder, 10, 4).modes == 14
    with pytest.raises(ValueError, match="0 to 63 identity modes, received 64"):
        read_surrey(folder, 64)
    with pytest.raises(ValueError, match="0 to 6 expression modes, received 7"):
        read_surrey(folder, 5, 7)


def test_shape_model_alone(folder, tmp_path):
    shutil.copy(folder / "sfm_shape_3448.bin", tmp_path)
    model = read_surrey(tmp_path / "sfm_shape_3448.bin", 5)
    assert (model.modes, model.landmarks) == (5, {})
    with pytest.raises(ValueError, match="0 to 0 expression modes"):
        read_surrey(tmp_path, 5, 1)


def test_damaged_files(folder, tmp_path):
    for file in folder.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    table = tmp_path / "ibug_to_sfm.txt"
    text = table.read_text()
    table.write_text(text.replace("37 =   177", "37 =  3448"))
    with pytest.raises(ValueError, match=r"ibug_to_sfm\.txt.*vertices 0 to 3447"):
        read_surrey(tmp_path, 1, 1)
    table.write_text(text.replace("37 =   177", "#37 = 177"))
    with pytest.raises(ValueError, match=r"ibug_to_sfm\.txt.*received 49 points"):
        read_surrey(tmp_path, 1, 1)
    table.write_text(text)
    for name in ("expression_blendshapes_3448.bin", "sfm_shape_3448.bin"):
        content = (tmp_path / name).read_bytes()
        for damaged in (content[: len(content) // 2], b"no model"):
            (tmp_path / name).write_bytes(damaged)
            with pytest.raises(ValueError, match=name):
                read_surrey(tmp_path, 1, 1)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "sfm_shape_3448.bin").unlink()
    with pytest.raises(FileNotFoundError):
        read_surrey(tmp_path)
