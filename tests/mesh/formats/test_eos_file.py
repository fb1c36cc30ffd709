"""Files of eos, written byte by byte."""

import struct

import numpy as np
import pytest

from keras_3dmmstn.mesh.formats.eos_file import read_eos_blendshapes, read_eos_model
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from tests.support.outside_files import eos_blendshapes, eos_matrix, eos_model


@pytest.fixture(scope="module")
def model():
    return toy_shape_model(31, 31)


def test_values(model, tmp_path):
    (tmp_path / "m.bin").write_bytes(eos_model(model))
    read = read_eos_model(tmp_path / "m.bin")
    np.testing.assert_array_equal(read.mean, model.mean.ravel())
    np.testing.assert_array_equal(read.basis, model.basis[:4].reshape(4, -1).T)
    np.testing.assert_array_equal(read.triangles, model.triangles)
    assert read.variances.tolist() == [1, 1, 1, 1] and not read.has_expressions


def test_later_versions_say_whether_expressions_follow(model, tmp_path):
    content = struct.pack("<I", 2) + eos_model(model)[4:-8]
    for missing in (0, 1):
        (tmp_path / "m.bin").write_bytes(content + bytes([missing]))
        assert read_eos_model(tmp_path / "m.bin").has_expressions == (not missing)


def test_blend_shapes(model, tmp_path):
    (tmp_path / "b.bin").write_bytes(eos_blendshapes(model))
    shapes = read_eos_blendshapes(tmp_path / "b.bin")
    assert list(shapes) == ["anger", "joy"]
    np.testing.assert_array_equal(shapes["joy"], model.basis[1].ravel())


def test_it_reads_what_eos_writes(model, tmp_path):
    eos = pytest.importorskip("eos", reason="eos-py, the oracle, is not installed")
    (tmp_path / "m.bin").write_bytes(eos_model(model))
    (tmp_path / "b.bin").write_bytes(eos_blendshapes(model))
    read = eos.morphablemodel.load_model(str(tmp_path / "m.bin"))
    eos.morphablemodel.save_model(read, str(tmp_path / "n.bin"))
    again = read_eos_model(tmp_path / "n.bin")
    np.testing.assert_array_equal(again.mean, model.mean.ravel())
    assert not again.has_expressions
    shapes = eos.morphablemodel.load_blendshapes(str(tmp_path / "b.bin"))
    assert [shape.name for shape in shapes] == ["anger", "joy"]


def test_counts_are_no_matter_of_trust(model, tmp_path):
    whole, path = eos_model(model), tmp_path / "m.bin"
    short, behind = eos_matrix(np.zeros((3, 1))), 4 + 8 + 4 * model.mean.size
    for content, message in (
        (struct.pack("<I", 9) + whole[4:], "a version of 9"),
        (whole[:4] + struct.pack("<ii", 2**30, 1) + whole[12:], "4,294,967,296 bytes of numbers"),
        (whole[:4] + struct.pack("<ii", -1, 1) + whole[12:], "a matrix of -1 x 1"),
        (whole[:4] + short + whole[behind:], "vectors"),
        (whole[:1000], "are left"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message) as error:
            read_eos_model(path)
        assert "m.bin" in str(error.value)
    shapes = eos_blendshapes(model)
    for content, message in (
        (struct.pack("<Q", 2**60) + shapes[8:], "blend shapes"),
        (shapes[:8] + struct.pack("<Q", 2**40) + shapes[16:], "a name of"),
        (shapes.replace(b"\x03\0\0\0\0\0\0\0joy", b"\x05\0\0\0\0\0\0\0anger"), "twice"),
    ):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=message):
            read_eos_blendshapes(path)
