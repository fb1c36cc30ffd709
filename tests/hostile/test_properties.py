"""Properties that hold for any content: of what is valid, and of what is not."""

import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keras_3dmmstn.inference.picture_size import check_picture
from keras_3dmmstn.mesh.formats.array_pickle import load_array_pickle
from keras_3dmmstn.mesh.formats.mat_file import read_mat_values
from keras_3dmmstn.mesh.formats.polygons import Polygons, triangles_of
from keras_3dmmstn.mesh.formats.triangle_mesh import read_triangle_mesh
from keras_3dmmstn.mesh.numpy_files import read_npz

# The folder of a test serves all its examples: each writes the one file anew.
quickly = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

NUMBERS = st.sampled_from(["<f8", ">f4", "<i4", ">u2", "u1", "?"]).flatmap(
    lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))
)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@quickly
@given(array=NUMBERS, protocol=st.integers(0, 5))
def test_arrays_come_out_of_a_pickle_as_they_went_in(array, protocol, tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": array, "b": [array.T]}, protocol))
    read = load_array_pickle(tmp_path / "a.pkl")
    np.testing.assert_array_equal(read["a"], array)
    np.testing.assert_array_equal(read["b"][0], array.T)
    assert read["a"].dtype == array.dtype


@quickly
@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_values_come_out_of_a_pickle_as_they_went_in(value, protocol, tmp_path):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, protocol))
    assert load_array_pickle(tmp_path / "a.pkl") == value


@quickly
@given(array=NUMBERS)
def test_arrays_come_out_of_an_archive_as_they_went_in(array, tmp_path):
    np.savez_compressed(tmp_path / "a.npz", a=array, b=array.T)
    read = read_npz(tmp_path / "a.npz")
    np.testing.assert_array_equal(read["a"], array)
    np.testing.assert_array_equal(read["b"], array.T)


@quickly
@given(sizes=st.lists(st.integers(3, 9), min_size=1, max_size=8))
def test_a_polygon_of_n_corners_becomes_n_less_two_triangles(sizes):
    corners = np.arange(sum(sizes))
    triangles = triangles_of(Polygons(np.zeros((len(corners), 3)), sizes, corners))
    expected, start = [], 0
    for size in sizes:
        expected += [[start, start + k, start + k + 1] for k in range(1, size - 1)]
        start += size
    np.testing.assert_array_equal(triangles, expected)


@quickly
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused_by_name_or_read(content, tmp_path):
    heads = {
        "a.pkl": (b"\x80\x04", load_array_pickle),
        "a.npz": (b"PK\x03\x04", read_npz),
        "a.mat": (b"MATLAB 5.0".ljust(124) + b"\x00\x01IM", read_mat_values),
        "a.obj": (b"v 0 0 0\nv 1 0 0\nv 1 1 0\nf ", read_triangle_mesh),
        "a.off": (b"OFF\n", read_triangle_mesh),
        "a.ply": (b"ply\nformat binary_little_endian 1.0\n", read_triangle_mesh),
    }
    for name, (head, read) in heads.items():
        for whole in (content, head + content):
            (tmp_path / name).write_bytes(whole)
            try:
                read(tmp_path / name)
            except ValueError as error:
                assert name in str(error)


@quickly
@given(content=st.binary(max_size=100))
@pytest.mark.parametrize(
    "head", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF", b"BM", b"II*\0", b"P6 "]
)
def test_any_header_of_a_picture_is_refused_or_small(head, content):
    try:
        check_picture(head + content)
    except ValueError as error:
        assert "expected" in str(error)
