"""Meshes of polygons in every format."""

import igl
import numpy as np
import pytest

from keras_3dmmstn.mesh.formats.triangle_mesh import read_triangle_mesh
from tests.support.outside_files import mesh_files

SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0.5], [0, 1, 0], [-1, 0.5, 1 / 3]])
SUFFIXES = ["obj", "off", "ply", "little.ply", "big.ply"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("polygons", "triangles"),
    [
        ([[0, 1, 2]], [[0, 1, 2]]),
        ([[0, 1, 2], [0, 1, 2, 3]], [[0, 1, 2], [0, 1, 2], [0, 2, 3]]),
        ([[0, 1, 2, 3], [4, 0, 3]], [[0, 1, 2], [0, 2, 3], [4, 0, 3]]),
        ([[0, 1, 2, 3, 4]], [[0, 1, 2], [0, 2, 3], [0, 3, 4]]),
    ],
)
def test_polygons_are_split_from_their_first_corner(suffix, polygons, triangles, tmp_path):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(mesh_files(SQUARE, polygons)[suffix])
    read_vertices, read_triangles = read_triangle_mesh(path)
    np.testing.assert_allclose(read_vertices, SQUARE, atol=1e-8)
    np.testing.assert_array_equal(read_triangles, triangles)


@pytest.mark.parametrize("suffix", ["obj", "off", "ply"])
def test_what_libigl_writes_is_read_as_it_reads_it(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    igl.write_triangle_mesh(str(path), SQUARE, np.array([[0, 1, 2], [0, 2, 3], [4, 0, 3]]))
    expected = igl.read_triangle_mesh(str(path))
    vertices, triangles = read_triangle_mesh(path)
    np.testing.assert_array_equal(vertices, expected[0])
    np.testing.assert_array_equal(triangles, expected[1])


def test_what_else_files_hold(tmp_path):
    contents = {
        "a.obj": (
            "mtllib x\nv 0 0 0 1 0 0\nv 1 0 0 1 0 0\nvt 0 0\nv 1 1 0 1 0 0\nf -3/1 -2/1 \\\n-1/1\n"
        ),
        "a.off": (
            "# by hand\nCOFF 3 1 0\n0 0 0 255 0 0\n\n1 0 0 255 0 0\n1 1 0 9 9 9\n3 0 1 2 7 7\n"
        ),
        "a.ply": (
            "ply\r\nformat ascii 1.0\r\nelement camera 1\r\nproperty float focal\r\n"
            "element vertex 3\r\nproperty float x\r\nproperty uchar red\r\nproperty float y\r\n"
            "property float z\r\nelement face 1\r\nproperty uchar red\r\n"
            "property list uint8 uint16 vertex_index\r\nend_header\r\n"
            "50\r\n0 9 0 0\r\n1 9 0 0\r\n1 9 1 0\r\n9 3 0 1 2\r\n"
        ),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content.encode())
        vertices, triangles = read_triangle_mesh(tmp_path / name)
        np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
        np.testing.assert_array_equal(triangles, [[0, 1, 2]])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_meshes_are_named(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    whole = mesh_files(SQUARE, [[0, 1, 2], [0, 1, 2, 3]])[suffix]
    damaged = [whole[: len(whole) // 2], b""]
    damaged += [mesh_files(SQUARE, [p])[suffix] for p in ([0, 1, 5], [0, 1], [0, 1, 9])]
    if suffix != "obj":  # whose last polygon would have a corner less
        damaged += [whole[:-3], whole.replace(b"5", b"1000000000", 1)]
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=rf"a\.{suffix}"):
            read_triangle_mesh(path)


def test_the_line_of_an_obj_is_named(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\nf 4\n")
    with pytest.raises(ValueError, match=r"a\.obj, line 5: expected a polygon .* received 'f 4'"):
        read_triangle_mesh(tmp_path / "a.obj")


@pytest.mark.parametrize(
    "content",
    [
        b"v 0 0 0\rv 1 0 0\rv 1 1 0\rf 1 2 3\r",
        b"\xef\xbb\xbfv 0 0 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n",
        b"v 0 0 0 # a\nv 1 0 0# 7\nv\t1 1 0 1.0 # c\nusemtl a#b\nf 1 2 3 # 4 5\n",
        b"# head\r\nv 0 0 0\r\nv 1 0 0\r\nv 1 1 0\r\nf 1/1 2/2 \\\r\n3/3 #\r\n",
    ],
    ids=["ends of old Macs", "a mark of UTF-8", "comments", "ends of Windows"],
)
def test_an_obj_as_other_programs_write_it(tmp_path, content):
    (tmp_path / "a.obj").write_bytes(content)
    vertices, triangles = read_triangle_mesh(tmp_path / "a.obj")
    np.testing.assert_array_equal(vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(triangles, [[0, 1, 2]])
