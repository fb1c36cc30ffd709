"""A fitted face as a textured mesh: frames, texture, blend shapes."""

import builtins
import dataclasses

import numpy as np
import pytest

from keras_3dmmstn.inference.meshes.face_mesh import texture_places
from tests.support.toy_faces import TURNED, toy_face

# Positions of up to 240 pixels in float32, through some ten operations.
CLOSE = 1e-3


@pytest.fixture(scope="module")
def turned():
    return toy_face(TURNED)


@pytest.fixture(scope="module")
def perspective():
    return toy_face(TURNED, focal_length=1.5)


def package_axes(vertices):
    """x right, y down, z away, of x right, y up, z towards the viewer."""
    return np.stack([vertices[:, 0], -vertices[:, 1], -vertices[:, 2]], axis=1)


def test_the_head_is_upright_and_looks_at_the_viewer(turned):
    mesh = turned.textured_mesh()
    np.testing.assert_allclose(package_axes(mesh.vertices), turned.vertices, atol=1e-4)
    points = turned.grid_model.landmarks["ibug68"]
    left_brow, right_brow, nose, chin = mesh.vertices[points[[19, 24, 30, 8]]]
    assert left_brow[0] < nose[0] < right_brow[0]
    assert left_brow[1] > nose[1] > chin[1]
    assert nose[2] > np.median(mesh.vertices[:, 2])


@pytest.mark.parametrize("frame", ["head", "camera"])
def test_normals_and_triangles_face_outwards(turned, frame):
    mesh = turned.textured_mesh(frame=frame)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    a, b, c = mesh.vertices[mesh.triangles].transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    assert ((across * mesh.normals[mesh.triangles].mean(axis=1)).sum(axis=1) > 0).mean() > 0.99
    if frame == "head":
        assert np.median(mesh.normals[:, 2]) > 0.3


def test_the_cameras_frame_is_that_of_the_photograph(turned):
    placed = package_axes(turned.textured_mesh(frame="camera").vertices)
    scale = np.exp(turned.parameters["log_scale"])
    np.testing.assert_allclose(scale * placed[:, :2], turned.points, atol=CLOSE)


def test_the_frame_of_a_perspective_camera_begins_in_it(perspective):
    placed = package_axes(perspective.textured_mesh(frame="camera").vertices)
    focal_length, middle = (
        perspective.parameters[name] for name in ("focal_length", "principal_point")
    )
    assert placed[:, 2].min() > 100
    seen = focal_length * placed[:, :2] / placed[:, 2:] + middle
    np.testing.assert_allclose(seen, perspective.points, atol=CLOSE)


def test_a_vertex_has_its_texel():
    """Of three rows and four columns in a texture of five times seven pixels."""
    u, v = texture_places((3, 4), (5, 7)).reshape(3, 4, 2).transpose(2, 0, 1)
    np.testing.assert_allclose(u[0] * 7 - 0.5, [0, 2, 4, 6], atol=1e-6)
    np.testing.assert_allclose((1 - v[:, 0]) * 5 - 0.5, [0, 2, 4], atol=1e-6)
    assert (u == u[:1]).all() and (v == v[:, :1]).all()


@pytest.mark.parametrize("size", [None, 70])
def test_texels_of_seen_landmarks_show_the_photograph_there(turned, size):
    mesh = turned.textured_mesh(texture_size=size)
    points = turned.landmark_indices["ibug68"]
    points = points[turned.visible[points]]
    height, width = mesh.texture.shape[:2]
    column, row = mesh.uv[points, 0] * width - 0.5, (1 - mesh.uv[points, 1]) * height - 0.5
    # 23 cells of 3 pixels: vertices lie on pixels of the larger texture, too.
    np.testing.assert_allclose([column, row], np.round([column, row]), atol=1e-4)
    texels = mesh.texture[row.round().astype(int), column.round().astype(int)]
    # Red is x and green is y: whole levels, of blocks of pixels and of what is between them.
    np.testing.assert_allclose(texels[:, :2], turned.points[points], atol=1.05)


def test_a_texture_of_another_size_is_that_of_a_normaliser_with_this_size(turned):
    larger = toy_face(TURNED, texture_size=64)
    np.testing.assert_array_equal(turned.textured_mesh(texture_size=64).texture, larger.texture)
    filled = turned.textured_mesh(texture_size=64, fill="mirror").texture
    np.testing.assert_array_equal(filled, larger.filled_texture("mirror"))
    np.testing.assert_array_equal(larger.textured_mesh().texture, larger.texture)
    assert larger.textured_mesh(texture_size=32).texture.shape == (32, 32, 3)


def test_a_face_that_leaves_the_photograph_has_a_texture_all_the_same():
    box = (190, 50, 290, 150)
    half, larger = toy_face(TURNED, box), toy_face(TURNED, box, texture_size=64)
    texture = half.textured_mesh(texture_size=64).texture
    assert 0.2 < larger.mask.mean() < 0.6
    # Along the photograph's border it is not known whether what lies outside would be seen.
    assert (texture.any(axis=-1) != larger.mask).mean() < 0.02
    assert (texture != larger.texture).any(axis=-1).mean() < 0.05
    outside = toy_face(TURNED, (230, 190, 330, 290))
    assert outside.textured_mesh(texture_size=64).texture.shape == (64, 64, 3)


def test_expressions(turned):
    model, identity = turned.grid_model, turned.parameters["identity"]
    for expression, coefficients in (("neutral", [0, 0, 0]), ([0.5, 3, -1], [0.5, 3, -1])):
        vertices = turned.textured_mesh(expression=expression).vertices
        expected = model.shape([*identity, *coefficients])
        np.testing.assert_allclose(package_axes(vertices), expected, atol=1e-3)
    fitted = turned.textured_mesh(expression=turned.parameters["expression"])
    np.testing.assert_allclose(fitted.vertices, turned.textured_mesh().vertices, atol=1e-4)


@pytest.mark.parametrize("frame", ["head", "camera"])
@pytest.mark.parametrize("expression", [None, "neutral", (1.0, -2.0, 0.5)])
def test_blend_shapes_make_the_expression(turned, perspective, frame, expression):
    for face in (turned, perspective):
        options = {"frame": frame, "expression": expression}
        mesh = face.textured_mesh(blend_shapes=True, **options)
        made = mesh.vertices + sum(mesh.weights[name] * t for name, t in mesh.targets.items())
        np.testing.assert_allclose(made, face.textured_mesh(**options).vertices, atol=CLOSE)
        neutral = face.textured_mesh(frame=frame, expression="neutral")
        np.testing.assert_allclose(mesh.vertices, neutral.vertices, atol=CLOSE)
        assert list(mesh.targets) == ["expression 0", "expression 1", "expression 2"]
    if expression == "neutral":
        assert set(mesh.weights.values()) == {0.0}


UNITS = {"jawOpen": [2, 0.5, 0], "smile_L": [0, 1, 1], "smile_R": [0, 1, -1], "frown": [1, 1, 1]}


@pytest.mark.parametrize("frame", ["head", "camera"])
def test_blend_shapes_are_the_units_of_the_models_source(turned, frame):
    model = dataclasses.replace(turned.grid_model, expression_units=UNITS)
    face = dataclasses.replace(turned, grid_model=model)
    mesh = face.textured_mesh(frame=frame, blend_shapes=True)
    assert list(mesh.targets) == list(mesh.weights) == list(UNITS)
    made = mesh.vertices + sum(mesh.weights[name] * t for name, t in mesh.targets.items())
    np.testing.assert_allclose(made, face.textured_mesh(frame=frame).vertices, atol=CLOSE)
    opened = face.textured_mesh(frame=frame, expression=UNITS["jawOpen"]).vertices
    np.testing.assert_allclose(mesh.vertices + mesh.targets["jawOpen"], opened, atol=CLOSE)
    neutral = face.textured_mesh(expression="neutral", blend_shapes=True)
    assert set(neutral.weights.values()) == {0.0}


def test_units_that_cannot_make_all_expressions_are_passed_over(turned):
    units = {"jawOpen": [2, 0.5, 0], "smile": [0, 1, 1]}
    model = dataclasses.replace(turned.grid_model, expression_units=units)
    mesh = dataclasses.replace(turned, grid_model=model).textured_mesh(blend_shapes=True)
    assert list(mesh.targets) == ["expression 0", "expression 1", "expression 2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frame": "world"}, "'head' or 'camera', received 'world'"),
        ({"expression": "happy"}, "'neutral' or an array, received 'happy'"),
        ({"expression": [1.0]}, r"of shape \(3,\), received shape \(1,\)"),
        ({"texture_size": 31}, "from 32 to 2048 pixels.*received 31"),
        ({"fill": "black"}, "received 'black'"),
    ],
)
def test_wrong_arguments_are_named(turned, options, message):
    with pytest.raises(ValueError, match=message):
        turned.textured_mesh(**options)


def test_a_face_without_its_photograph_has_no_mesh(turned):
    with pytest.raises(ValueError, match="with `photograph` and `grid_model`"):
        dataclasses.replace(turned, photograph=None).textured_mesh()


def test_trimesh_gets_all_of_it(turned):
    pytest.importorskip("trimesh")
    options = {"texture_size": 64, "frame": "camera", "expression": "neutral", "fill": "mirror"}
    mesh, expected = turned.mesh(**options), turned.textured_mesh(**options)
    assert mesh.units == "millimeters"
    np.testing.assert_allclose(mesh.vertices, expected.vertices, atol=1e-5)
    np.testing.assert_array_equal(mesh.faces, expected.triangles)
    np.testing.assert_allclose(mesh.vertex_normals, expected.normals, atol=1e-5)
    np.testing.assert_allclose(mesh.visual.uv, expected.uv, atol=1e-6)
    texture = np.asarray(mesh.visual.material.baseColorTexture)
    np.testing.assert_array_equal(texture, expected.texture)


def test_trimesh_has_no_blend_shapes(turned):
    with pytest.raises(TypeError, match="blend_shapes"):
        turned.mesh(blend_shapes=True)


def test_without_trimesh_the_command_is_named(turned, monkeypatch):
    real_import = builtins.__import__

    def without_trimesh(name, *arguments, **options):
        if name == "trimesh":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_trimesh)
    with pytest.raises(ImportError, match=r'pip install "keras-3dmmstn\[viz\]"'):
        turned.mesh()
    assert len(turned.textured_mesh().vertices) == 24 * 24
