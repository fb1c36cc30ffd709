"""Mesh files as other programs read them."""

import json
import struct

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing.meshes.files import save_mesh
from keras_3dmmstn.drawing.meshes.obj import encode_material
from keras_3dmmstn.inference.view.rasterisation import rasterise
from tests.support.command_line import names
from tests.support.toy_faces import TURNED, toy_face

trimesh = pytest.importorskip("trimesh", reason="the extra `viz` is not installed")

SIZE = 200


@pytest.fixture(scope="module")
def turned():
    return toy_face(TURNED, texture_size=64)


@pytest.fixture(scope="module")
def unturned():
    return toy_face(texture_size=96)


def loaded(path):
    """The one mesh of a file, as trimesh reads it, unchanged."""
    return trimesh.load(path, force="mesh", process=False)


def picture_of(mesh, face, millimetres):
    """Draws a mesh of trimesh as a viewer does: seen along -z, y up, in the frame of `front_view`.

    Written without the package's conversions; v counts from below, as trimesh has it.
    """
    low, high = face.grid_model.mean.min(axis=0), face.grid_model.mean.max(axis=0)
    zoom = SIZE / (1.12 * (high - low)[:2].max())
    middle = (low + high) / 2
    x, y, z = np.asarray(mesh.vertices).T * millimetres
    places = np.stack([x - middle[0], -y - middle[1]], axis=1) * zoom + (SIZE - 1) / 2
    raster = rasterise(places, -z, np.asarray(mesh.faces), (SIZE, SIZE))
    u, v = raster.interpolate(np.asarray(mesh.visual.uv).T)
    material = mesh.visual.material
    image = getattr(material, "baseColorTexture", None) or material.image
    texture = np.asarray(image.convert("RGB"))
    rows = ((1 - v) * len(texture)).astype(int).clip(0, len(texture) - 1)
    columns = (u * texture.shape[1]).astype(int).clip(0, texture.shape[1] - 1)
    picture = np.zeros((SIZE * SIZE, 3), np.uint8)
    picture[raster.pixels] = texture[rows, columns]
    return picture.reshape(SIZE, SIZE, 3)


def likeness(picture, view):
    """The correlation of red (x) and of green (y) with those of a view, the smaller one."""
    seen = (view[..., 3] == 255) & picture.any(axis=-1)
    assert seen.sum() > 5000
    return min(np.corrcoef(picture[seen][:, k], view[seen][:, k])[0, 1] for k in (0, 1))


@pytest.mark.parametrize(("kind", "millimetres"), [("glb", 1000), ("obj", 1)])
def test_a_viewer_shows_the_face_upright_and_unmirrored(unturned, kind, millimetres, tmp_path):
    save_mesh(unturned, tmp_path / f"face.{kind}")
    picture = picture_of(loaded(tmp_path / f"face.{kind}"), unturned, millimetres)
    view = unturned.front_view(SIZE, background=None)
    assert likeness(picture, view) > 0.999
    # The measure tells a wrong one.
    assert likeness(picture[:, ::-1], view) < 0.5 and likeness(picture[::-1], view) < 0.5


def test_glb_is_in_metres_and_has_the_texture_in_it(turned, tmp_path):
    assert save_mesh(turned, tmp_path / "face.glb") == [tmp_path / "face.glb"]
    mesh, expected = loaded(tmp_path / "face.glb"), turned.textured_mesh()
    np.testing.assert_allclose(mesh.vertices * 1000, expected.vertices, atol=1e-4)
    np.testing.assert_array_equal(mesh.faces, expected.triangles)
    np.testing.assert_allclose(mesh.visual.uv, expected.uv, atol=1e-6)
    description, arrays = parts_of(tmp_path / "face.glb")
    normals = description["meshes"][0]["primitives"][0]["attributes"]["NORMAL"]
    np.testing.assert_array_equal(arrays[normals], expected.normals)
    np.testing.assert_array_equal(
        np.asarray(mesh.visual.material.baseColorTexture), expected.texture
    )
    assert 0.1 < mesh.extents[1] < 0.3


def parts_of(path):
    """The JSON of a GLB, and its accessors as arrays, read by the specification."""
    content = path.read_bytes()
    magic, version, length, json_length, kind = struct.unpack_from("<4sIII4s", content)
    assert (magic, version, kind) == (b"glTF", 2, b"JSON")
    assert length == len(content) and json_length % 4 == 0
    description = json.loads(content[20 : 20 + json_length])
    binary_length, kind = struct.unpack_from("<I4s", content, 20 + json_length)
    assert kind == b"BIN\0" and 28 + json_length + binary_length == length
    assert 0 <= binary_length - description["buffers"][0]["byteLength"] < 4
    binary = content[28 + json_length :]
    arrays = []
    for accessor in description["accessors"]:
        view = description["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        kind = {5126: np.float32, 5125: np.uint32}[accessor["componentType"]]
        columns = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[accessor["type"]]
        array = np.frombuffer(binary, kind, accessor["count"] * columns, view["byteOffset"])
        assert array.nbytes == view["byteLength"]
        arrays.append(array.reshape(-1, columns))
        if columns > 1:
            assert array.reshape(-1, columns).min(axis=0).tolist() == accessor["min"]
            assert array.reshape(-1, columns).max(axis=0).tolist() == accessor["max"]
    return description, arrays


def test_blend_shapes_are_morph_targets_with_names_and_weights(turned, tmp_path):
    path = tmp_path / "face.glb"
    save_mesh(turned, path, blend_shapes=True)
    description, arrays = parts_of(path)
    (mesh,) = description["meshes"]
    (primitive,) = mesh["primitives"]
    assert mesh["extras"]["targetNames"] == ["expression 0", "expression 1", "expression 2"]
    np.testing.assert_allclose(mesh["weights"], turned.parameters["expression"])
    base = arrays[primitive["attributes"]["POSITION"]]
    targets = [arrays[target["POSITION"]] for target in primitive["targets"]]
    fitted = base + sum(w * target for w, target in zip(mesh["weights"], targets, strict=True))
    expected = turned.textured_mesh().vertices
    np.testing.assert_allclose(fitted * 1000, expected, atol=1e-3)
    assert np.abs(base * 1000 - expected).max() > 1
    # Programs that know no morph targets show the face without expression.
    np.testing.assert_allclose(loaded(path).vertices, base, atol=1e-7)


def test_a_glb_without_blend_shapes_has_no_trace_of_them(turned, tmp_path):
    save_mesh(turned, tmp_path / "face.glb")
    (mesh,) = parts_of(tmp_path / "face.glb")[0]["meshes"]
    assert set(mesh) == {"name", "primitives"} and "targets" not in mesh["primitives"][0]


def test_obj_finds_its_material_and_its_texture(turned, tmp_path):
    path = tmp_path / "some one é.obj"
    files = save_mesh(turned, path, expression="neutral", frame="camera")
    assert sorted(file.name for file in files) == names(tmp_path)
    assert names(tmp_path) == ["some one é.mtl", "some one é.obj", "some one é_texture.png"]
    mesh = loaded(path)
    expected = turned.textured_mesh(expression="neutral", frame="camera")
    np.testing.assert_allclose(mesh.vertices, expected.vertices, atol=1e-5)
    np.testing.assert_array_equal(mesh.faces, expected.triangles)
    np.testing.assert_allclose(mesh.visual.uv, expected.uv, atol=1e-6)
    lines = path.read_text().splitlines()
    normals = [line.split()[1:] for line in lines if line.startswith("vn ")]
    np.testing.assert_allclose(np.array(normals, float), expected.normals, atol=1e-5)
    faces = [line.split()[1:] for line in lines if line.startswith("f ")]
    assert all(len(set(corner.split("/"))) == 1 for face in faces for corner in face)
    np.testing.assert_array_equal(np.asarray(mesh.visual.material.image), turned.texture)
    assert "illum 1\n" in (tmp_path / "some one é.mtl").read_text()


def test_ply_has_the_textures_colours_at_the_vertices(turned, tmp_path):
    save_mesh(turned, tmp_path / "face.ply", texture_size=70)
    mesh, expected = loaded(tmp_path / "face.ply"), turned.textured_mesh(texture_size=70)
    np.testing.assert_allclose(mesh.vertices, expected.vertices)
    np.testing.assert_array_equal(mesh.faces, expected.triangles)
    vertices = mesh.metadata["_ply_raw"]["vertex"]["data"]
    normals = np.stack([vertices[name] for name in ("nx", "ny", "nz")], axis=1)
    np.testing.assert_array_equal(normals, expected.normals)
    # 23 cells of 3 pixels.
    colours = expected.texture[::3, ::3].reshape(-1, 3)
    np.testing.assert_array_equal(mesh.visual.vertex_colors[:, :3], colours)


def test_arrays_are_in_the_packages_axes(turned, tmp_path):
    save_mesh(turned, tmp_path / "face.npz")
    with np.load(tmp_path / "face.npz", allow_pickle=False) as arrays:
        for name in ("vertices", "points", "visible"):
            np.testing.assert_array_equal(arrays[name], getattr(turned, name))
        np.testing.assert_array_equal(arrays["landmarks/ibug68"], turned.landmark_indices["ibug68"])
        np.testing.assert_array_equal(arrays["triangles"], turned.grid_model.triangles)
        for name, value in turned.parameters.items():
            np.testing.assert_array_equal(arrays[f"parameters/{name}"], value)
        scale = np.exp(arrays["parameters/log_scale"])
        placed = scale * arrays["camera_vertices"][:, :2]
        np.testing.assert_allclose(placed, turned.points, atol=1e-3)
        neutral = turned.grid_model.shape([*turned.parameters["identity"], 0, 0, 0])
        np.testing.assert_allclose(arrays["neutral_vertices"], neutral, atol=1e-3)
        assert arrays["grid_shape"].tolist() == [24, 24]
        np.testing.assert_array_equal(arrays["uv"], turned.textured_mesh().uv)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("face.stl", {}, "among glb, obj, ply, npz, received 'stl'"),
        ("face", {}, "received ''"),
        ("face.obj", {"blend_shapes": True}, "Expected glb.*received obj"),
        ("face.npz", {"frame": "camera"}, "no options for an npz, received frame"),
        ("face.glb", {"frame": "world"}, "received 'world'"),
        ("two\nlines.obj", {}, "without line breaks"),
    ],
)
def test_what_cannot_be_written_is_named(turned, name, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_mesh(turned, tmp_path / name, **options)
    assert names(tmp_path) == []


def test_names_that_are_no_text_are_kept():
    assert b"map_Kd \xff_texture.png\n" in encode_material("\udcff_texture.png")


def test_a_suffix_in_capitals_will_do(turned, tmp_path):
    assert save_mesh(turned, tmp_path / "FACE.PLY") == [tmp_path / "FACE.PLY"]


def test_half_a_mesh_is_never_there(turned, tmp_path, monkeypatch):
    save_mesh(turned, tmp_path / "face.obj")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write = type(tmp_path).write_bytes

    def full(path, content):
        if "_texture" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(type(tmp_path), "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        save_mesh(turned, tmp_path / "face.obj", expression="neutral")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_bundled_face_is_as_large_as_a_face(tmp_path):
    """Of 12,544 vertices, more than 16 bits can number in an index times three."""
    from keras_3dmmstn import GridModel
    from keras_3dmmstn.drawing.meshes.glb import encode_glb
    from keras_3dmmstn.inference.meshes.face_mesh import FaceMesh

    model = GridModel.bundled()
    texture = np.full((32, 32, 3), 99, np.uint8)
    none = np.zeros(model.modes - model.identity_count)
    (tmp_path / "mean.glb").write_bytes(
        encode_glb(FaceMesh.of_face(model, model.mean, none, {}, texture))
    )
    mesh = loaded(tmp_path / "mean.glb")
    np.testing.assert_allclose(mesh.extents, [0.140, 0.184, 0.100], atol=5e-4)
    assert cv2.norm(np.asarray(mesh.faces), model.triangles) == 0
