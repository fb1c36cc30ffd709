"""MATLAB files, written by SciPy."""

import numpy as np
import pytest
import scipy.io

from keras_3dmmstn.mesh.formats.mat_file import read_mat

ARRAYS = {
    "a": np.arange(6.0).reshape(2, 3) / 7,
    "triangles_with_a_long_name": np.arange(30, dtype=np.int32).reshape(10, 3),
    "single": np.linspace(0, 1, 5, dtype=np.float32)[:, None],
    "b": np.array([[7]], dtype=np.uint8),
    "cube": np.arange(24.0).reshape(2, 3, 4),
}


@pytest.mark.parametrize("compress", [False, True])
def test_values_shapes_and_types(tmp_path, compress):
    others = {"text": "no numbers", "z": np.array([[1j]]), "cells": np.array([[1, "x"]], object)}
    scipy.io.savemat(tmp_path / "a.mat", {**others, **ARRAYS}, do_compression=compress)
    read = read_mat(tmp_path / "a.mat", [*ARRAYS, *others, "absent"])
    assert read.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
    assert read_mat(tmp_path / "a.mat", ["b"]).keys() == {"b"}


@pytest.mark.parametrize("compress", [False, True])
def test_any_damage_ends_in_an_error_or_in_numbers(tmp_path, compress):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, ARRAYS, do_compression=compress)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for trial in range(200):
        damaged = bytearray(content)
        if trial % 2:
            damaged = damaged[: rng.integers(len(damaged))]
        else:
            damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            read = read_mat(path, ARRAYS)
        except ValueError as error:
            assert "a.mat" in str(error)
        else:
            assert all(array.dtype.kind in "fiu" for array in read.values())


def test_other_versions_are_named(tmp_path):
    scipy.io.savemat(tmp_path / "4.mat", {"a": np.eye(3)}, format="4")
    (tmp_path / "73.mat").write_bytes(
        b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(512)
    )
    for name in ("4.mat", "73.mat"):
        with pytest.raises(ValueError, match=r"version 5 to 7\.2"):
            read_mat(tmp_path / name, ["a"])
