"""The ICT Face Model: the real folder where present, and small ones in its layout."""

import json

import numpy as np
import pytest
from scipy.spatial import cKDTree

from keras_3dmmstn.mesh.flattening.flatten import check_mirror
from keras_3dmmstn.mesh.readers.ict import read_ict
from tests.support.paths import published_model


def write_obj(path, vertices, quads, materials):
    lines = ["# a comment", *("v {:.6f} {:.6f} {:.6f}".format(*v) for v in vertices), "vt 0 0"]
    for name, group in materials.items():
        lines.append(f"usemtl {name}")
        lines += ["f " + " ".join(f"{i + 1}/1" for i in quads[q]) for q in group]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    """A 5 x 5 symmetric face in centimetres and, behind it, a quad of another material."""
    x, y = np.meshgrid(np.linspace(-7, 7, 5), np.linspace(8, -8, 5))
    vertices = np.stack([x, y, 10 - 0.1 * x**2 - 0.05 * y**2], axis=-1).reshape(-1, 3)
    # No vertex on one side may be numbered like its mirror image.
    order = np.random.default_rng(4).permutation(25)
    number = np.argsort(order).reshape(5, 5)
    back = np.array([[-1, 0, 1], [1, 0, 1], [1, 1, 1], [-1, 1, 1]])
    vertices = np.concatenate([vertices[order], back])
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    quads = [*np.stack([a, c, d, b], axis=-1).reshape(-1, 4).tolist(), [25, 26, 27, 28]]
    materials = {"M_Face": range(16), "M_Teeth": [16]}
    folder = tmp_path / "FaceXModel"
    folder.mkdir()
    rng = np.random.default_rng(5)
    offsets = {n: rng.normal(size=vertices.shape) for n in ("identity000", "identity001")}
    offsets |= {n: 0.1 * rng.normal(size=vertices.shape) for n in ("jawOpen", "smile_L", "smile_R")}
    write_obj(folder / "generic_neutral_mesh.obj", vertices, quads, materials)
    for name, offset in offsets.items():
        write_obj(folder / f"{name}.obj", vertices + offset, quads, materials)
    indices = {
        "expressions": ["jawOpen", "notThere", "smile_L", "smile_R"],
        "idx_to_landmark_verts": (np.arange(68) % 25).tolist(),
    }
    (folder / "vertex_indices.json").write_text(json.dumps(indices))
    return folder, vertices, offsets


def test_the_folder_above_is_as_good(folder):
    path = folder[0]
    np.testing.assert_array_equal(read_ict(path.parent).mean, read_ict(path).mean)


def test_values_are_in_our_frame(folder):
    path, vertices, offsets = folder
    model = read_ict(path)
    to_package = 10 * np.array([1, -1, -1])
    np.testing.assert_allclose(model.mean, vertices * to_package, atol=1e-3)
    expected = np.stack([offsets["identity000"], offsets["identity001"]]) * to_package
    np.testing.assert_allclose(model.basis[:2], expected, atol=1e-3)
    assert (model.identity_count, model.modes) == (2, 5)
    np.testing.assert_array_equal(model.landmarks["ibug68"], np.arange(68) % 25)


def test_blend_shapes_keep_their_names(folder):
    path, _, offsets = folder
    model = read_ict(path)
    assert list(model.expression_units) == ["jawOpen", "smile_L", "smile_R"]
    for name, unit in model.expression_units.items():
        made = np.tensordot(unit, model.basis[2:], 1)
        np.testing.assert_allclose(made, offsets[name] * [10, -10, -10], atol=1e-3)
    assert read_ict(path, expression=0).expression_units == {}
    assert read_ict(path, expression=2).expression_units["jawOpen"].shape == (2,)


def test_expressions_have_the_stated_covariance(folder):
    path, _, offsets = folder
    modes = read_ict(path, 0).basis.reshape(3, -1)
    flat = np.stack([offsets[n] * [10, -10, -10] for n in ("jawOpen", "smile_L", "smile_R")])
    flat = flat.reshape(3, -1)
    covariance = np.array([[1, 0, 0], [0, 1, 0.8], [0, 0.8, 1]]) / 16
    np.testing.assert_allclose(modes.T @ modes, flat.T @ covariance @ flat, atol=1e-3)


def test_quads_are_split_symmetrically_and_outward(folder):
    model = read_ict(folder[0], 0, 0, part="face")
    assert model.triangles.shape == (32, 3)
    mirror = cKDTree(model.mean).query(model.mean * [-1, 1, 1])[1]
    check_mirror(model.triangles.astype(np.int64), mirror)
    corners = model.mean[model.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] < 0).all()


def test_part(folder):
    whole, face = read_ict(folder[0]), read_ict(folder[0], part="face")
    assert len(whole.mean) == 29 and len(face.mean) == 25
    np.testing.assert_array_equal(face.basis, whole.basis[:, :25])
    with pytest.raises(ValueError, match="'all' or 'face', received 'ear'"):
        read_ict(folder[0], part="ear")


def test_mode_counts(folder):
    assert read_ict(folder[0], 1, 2).modes == 3
    with pytest.raises(ValueError, match="0 to 2 identity modes, received 3"):
        read_ict(folder[0], 3)
    with pytest.raises(ValueError, match="0 to 3 expression modes, received 4"):
        read_ict(folder[0], 1, 4)


def test_faulty_meshes(folder, tmp_path):
    path = folder[0]
    identity = path / "identity001.obj"
    text = identity.read_text()
    identity.write_text(text[: len(text) // 5])
    with pytest.raises(ValueError, match=r"identity001\.obj"):
        read_ict(path)
    identity.write_text(text.replace("v ", "v x", 1))
    with pytest.raises(ValueError, match=r"identity001\.obj: expected vertices of three numbers"):
        read_ict(path)
    identity.write_text("nothing")
    with pytest.raises(ValueError, match=r"identity001\.obj: expected an OBJ file"):
        read_ict(path)
    neutral = path / "generic_neutral_mesh.obj"
    text = neutral.read_text()
    for wrong in ("f 1/1 2/1 99/1 4/1", "f 1 2", "f 0 1 2"):
        neutral.write_text(text + wrong)
        with pytest.raises(ValueError, match=r"line .*vertices 1 to 29"):
            read_ict(path, 0)
    neutral.write_text(text + "f 1 2 three")
    with pytest.raises(ValueError, match="expected vertex numbers"):
        read_ict(path, 0)
    neutral.write_text(text.replace("M_Face", "Skin"))
    with pytest.raises(ValueError, match="material M_Face"):
        read_ict(path, 0)
    neutral.unlink()
    with pytest.raises(ValueError, match=r"generic_neutral_mesh\.obj, which is missing"):
        read_ict(path)
    with pytest.raises(FileNotFoundError):
        read_ict(tmp_path / "absent")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"idx_to_landmark_verts": list(range(67))}, r"of shape \(68\)"),
        ({"idx_to_landmark_verts": [29] * 68}, "vertices 0 to 28, received 29"),
        ({"expressions": ["../../secret"]}, "a list of names"),
        ({"expressions": 3}, "a list of names"),
    ],
)
def test_faulty_indices(folder, change, message):
    path = folder[0] / "vertex_indices.json"
    indices = json.loads(path.read_text()) | change
    path.write_text(json.dumps(indices))
    with pytest.raises(ValueError, match=message) as error:
        read_ict(folder[0])
    assert path.name in str(error.value)


def test_indices_that_are_no_json_object(folder):
    path = folder[0] / "vertex_indices.json"
    for text, message in (("{", "Expected a JSON"), ("[]", "JSON object"), ("{}", "missing")):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_ict(folder[0])


def test_published_folder(assert_is_upright_face):
    path = published_model("ict/FaceXModel")
    whole = read_ict(path, 1, 1)
    assert whole.mean.shape == (26719, 3)
    model = read_ict(path, 2, 2, part="face")
    assert model.mean.shape == (9409, 3) and model.triangles.shape == (2 * 9230, 3)
    assert_is_upright_face(whole)
    assert_is_upright_face(model)
    mirror = cKDTree(model.mean).query(model.mean * [-1, 1, 1])[1]
    check_mirror(model.triangles.astype(np.int64), mirror)
    # The first expression opens the mouth: the lower lip goes down, the upper hardly moves.
    lips = model.basis[2][model.landmarks["ibug68"][[51, 57]], 1]
    assert lips[1] > 5 * abs(lips[0]) and lips[1] > 2
