"""Files made by hand to get past the readers."""

import io
import os
import pickle
import struct
import zipfile
import zlib

import cv2
import h5py
import numpy as np
import pytest
import scipy.io

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.inference.picture_size import check_picture
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.formats.array_pickle import load_array_pickle
from keras_3dmmstn.mesh.formats.hdf5_file import read_hdf5
from keras_3dmmstn.mesh.formats.mat_file import read_mat, read_mat_values
from keras_3dmmstn.mesh.numpy_files import read_npy, read_npz
from keras_3dmmstn.mesh.synthetic import toy_grid_model

ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
NO_PARTS = b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def dtype(code, state=NO_PARTS):
    """The opcodes of a NumPy type."""
    return b"cnumpy\ndtype\nU" + bytes([len(code)]) + code + b"\x89\x88\x87R" + state


def array(type_opcodes, data=b"U\x08" + bytes(8)):
    """The opcodes of an array of one element."""
    return b"\x80\x02" + ARRAY + b"(K\x01K\x01\x85" + type_opcodes + b"\x89" + data + b"tb."


def nested(opcode, depth):
    return b"\x80\x02N" + opcode * depth + b"."


@pytest.mark.parametrize(
    "content",
    [
        array(dtype(b"V8")),
        array(dtype(b"O8", b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb")),
        # A type that has fields of objects, and says that it is plain.
        array(dtype(b"f8", b"(K\x03U\x01<NU\x01a\x85}U\x01aU\x02O8K\x00\x86sK\x08K\x01K\x00tb")),
        # An array that says it is larger than its bytes, in shape or in type.
        array(dtype(b"f8"), b"U\x04" + bytes(4)),
        b"\x80\x02" + ARRAY + b"(K\x01J\xff\xff\xff\x7f\x85" + dtype(b"f8") + b"\x89U\x08" + b"tb.",
        b"\x80\x02cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85R.",
        # Lengths, memo places and depths that the file does not justify.
        b"\x80\x05\x96" + struct.pack("<Q", 20_000_000_000) + b"x.",
        nested(b"\x85", 100_000),
        nested(b"\x85", 100_000)[:-1] + b"}\x86.",
        b"\x80\x02}" + nested(b"\x85", 100_000)[2:-1] + b"Ns.",
        b"\x80\x02]q\x00h\x00a.",
        # Each list holds the one before twice.
        b"\x80\x02]" + b"".join(b"q%c]h%ch%c\x86a" % (n, n, n) for n in range(1, 60)) + b".",
        # A name that is no text, and one array that becomes a thousand in a list.
        b"\x80\x04" + nested(b"\x85", 100_000)[2:-1] + b"q\x00h\x00\x93.",
    ],
)
def test_pickles(content, tmp_path):
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.pkl"):
        load_array_pickle(tmp_path / "a.pkl")


def test_a_place_in_the_memo_takes_no_memory(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"\x80\x02]r\xff\xff\xff\x7f.")
    assert load_array_pickle(tmp_path / "a.pkl") == []


def test_an_array_many_times_in_a_list(tmp_path):
    many = [np.zeros(100_000)] * 1000
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(many, 4))
    with pytest.raises(ValueError, match=r"a\.pkl.*copies of more than"):
        load_array_pickle(tmp_path / "a.pkl")


def npy_header(shape, descr="<f8"):
    written = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(written, header)
    return written.getvalue()


def write_zip(path, compression=zipfile.ZIP_DEFLATED, **members):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


def test_archives_whose_arrays_are_not_there(tmp_path):
    path = tmp_path / "a.npz"
    write_zip(path, a=npy_header((10**12,)) + bytes(64))
    with pytest.raises(ValueError, match=r"a\.npz.*in 64 bytes"):
        read_npz(path)
    write_zip(path, zipfile.ZIP_LZMA, a=npy_header((8,)) + bytes(64))
    with pytest.raises(ValueError, match=r"a\.npz.*np\.savez does not use"):
        read_npz(path)
    (tmp_path / "a.npy").write_bytes(npy_header((10**12,)) + bytes(64))
    with pytest.raises(ValueError, match=r"a\.npy.*in 64 bytes"):
        read_npy(tmp_path / "a.npy")


def test_the_limit_can_be_raised(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, a=np.zeros(9_000_000))
    with pytest.raises(ValueError, match=r"a\.npz.*MAX_EXPANSION"):
        read_npz(path)
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_EXPANSION", "2000")
    assert read_npz(path)["a"].shape == (9_000_000,)
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_EXPANSION", "lots")
    with pytest.raises(ValueError, match="KERAS_3DMMSTN_MAX_EXPANSION: expected a positive number"):
        read_npz(path)


def grid_arrays():
    """The arrays of a model file of 8 rows and 6 columns."""
    columns, rows = np.meshgrid(np.arange(6.0), np.arange(8.0))
    mean = np.stack([columns, rows, rows * columns], axis=-1).reshape(-1, 3)
    return {
        "kind": np.array("keras_3dmmstn grid model"),
        "version": np.array(1),
        "mean": mean,
        "basis": np.ones((2, 48, 3)),
        "grid_shape": np.array([8, 6]),
        "identity_count": np.array(1),
        "landmarks/ibug68": np.arange(68) % 48,
    }


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("grid_shape", np.array([8.5, 6.0]), "whole numbers in `grid_shape`"),
        ("grid_shape", np.array([6, 8]), r"\(8, 6\) puts neighbours"),
        ("grid_shape", np.array([8, 6, 1]), "rows, columns"),
        ("mean", np.full((48, 3), "1"), "numbers in `mean`"),
        ("basis", np.ones((2, 48, 3), complex), "numbers in `basis`"),
        ("basis", np.ones((2, 48, 3), "m8[s]"), "numbers in `basis`"),
        ("basis", np.full((2, 48, 3), 1e300), "finite"),
        ("identity_count", np.array(1.5), "`identity_count` to be a whole number"),
        ("identity_count", np.array([1]), "`identity_count` to be a whole number"),
        ("version", np.array("1"), "`version` to be a whole number"),
        ("name", np.array(3), "`name` to be a text"),
        ("kind", np.array([1, 2]), "`kind` to be a text"),
        ("landmarks/ibug68", np.arange(5), "68 vertices, received 5"),
        ("landmarks/ibug68", np.arange(69) % 48, "68 vertices, received 69"),
        ("landmarks/ibug68", np.zeros(68), "whole numbers in `landmarks/ibug68`"),
        ("landmarks/ibug68", np.zeros((68, 1), int), "to be a list"),
        ("landmarks/mine", np.array([2**32 + 1]), "whole numbers in landmarks"),
        ("regions/mouth", np.array([48]), "number vertices 0 to 47"),
    ],
)
def test_fields_of_a_face_model(name, array, message, tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, **grid_arrays())
    assert GridModel.load(path).grid_shape == (8, 6)
    np.savez(path, **grid_arrays() | {name: array})
    with pytest.raises(ValueError, match=message) as error:
        GridModel.load(path)
    assert "model.npz" in str(error.value)


def test_members_that_are_not_used_are_not_read(tmp_path):
    toy_grid_model().save(tmp_path / "model.npz")
    with zipfile.ZipFile(tmp_path / "model.npz", "a") as archive:
        archive.writestr("other.npy", b"no array")
    assert GridModel.load(tmp_path / "model.npz").grid_shape == (32, 32)


def test_matlab_files(tmp_path):
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": np.zeros((9_000, 1000))}, do_compression=True)
    with pytest.raises(ValueError, match=r"a\.mat.*MAX_EXPANSION"):
        read_mat(path, ["a"])
    cells = np.array([1.0])
    for _ in range(40):
        inner, cells = cells, np.empty(1, object)
        cells[0] = inner
    scipy.io.savemat(path, {"a": cells})
    with pytest.raises(ValueError, match=r"a\.mat.*20 deep"):
        read_mat_values(path)
    # Many empty cells in few bytes.
    empty = struct.pack("<II", 14, 0) * 1_500_000
    head = struct.pack("<IIIIIIiiII", 6, 8, 1, 0, 5, 8, 1, 1_500_000, 1, 1) + b"a" + bytes(7)
    variable = struct.pack("<II", 14, len(head) + len(empty)) + head + empty
    packed = zlib.compress(variable)
    path.write_bytes(path.read_bytes()[:128] + struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(ValueError, match=r"a\.mat.*more than 1,000,000 variables"):
        read_mat_values(path)


def test_hdf5_files_that_read_other_files(tmp_path):
    secret, path = tmp_path / "secret", tmp_path / "a.h5"
    secret.write_bytes(bytes(80))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["a"] = np.zeros(10)
    layout = h5py.VirtualLayout(shape=(10,), dtype="f8")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "a", shape=(10,))
    with h5py.File(path, "w") as file:
        file.create_dataset("stored", (10,), "f8", external=[(str(secret), 0, 80)])
        file["linked"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "a")
        file["group/soft"] = h5py.SoftLink("/plain")
        file.create_virtual_dataset("virtual", layout)
        file["plain"] = np.arange(3.0)
    np.testing.assert_array_equal(read_hdf5(path, ["plain", "none"])["plain"], [0, 1, 2])
    for name, message in (
        ("stored", "another file"),
        ("virtual", "another file"),
        ("linked", "a link"),
        ("group/soft", "a link"),
        ("linked/a", "a link"),
    ):
        with pytest.raises(ValueError, match=rf"a\.h5.*{message}"):
            read_hdf5(path, [name])


def test_hdf5_files_that_ask_for_memory(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("never written", (10**9,), "f8")
        file.create_dataset("in chunks", (10**9,), "f8", chunks=(1000,))
        file.create_dataset("large chunk", (10,), "f8", chunks=(10,), compression="lzf")
    for name in ("never written", "in chunks", "large chunk"):
        with pytest.raises(ValueError, match=rf"a\.h5.*{name}"):
            read_hdf5(path, [name])


def claiming(suffix, old, new):
    """A picture of 64 x 48 pixels whose header says something else."""
    content = cv2.imencode(suffix, np.zeros((48, 64, 3), np.uint8))[1].tobytes()
    assert old in content
    return content.replace(old, new, 1)


@pytest.mark.parametrize(
    ("suffix", "old", "new"),
    [
        (".jpg", struct.pack(">HH", 48, 64), struct.pack(">HH", 30_000, 30_000)),
        (".png", struct.pack(">II", 64, 48), struct.pack(">II", 30_000, 30_000)),
        (".gif", struct.pack("<HH", 64, 48), struct.pack("<HH", 30_000, 30_000)),
        (".bmp", struct.pack("<ii", 64, 48), struct.pack("<ii", 30_000, -30_000)),
        (".ppm", b"64 48", b"30000 30000"),
    ],
)
def test_pictures_that_claim_to_be_huge(suffix, old, new, tmp_path):
    (tmp_path / f"a{suffix}").write_bytes(claiming(suffix, old, new))
    with pytest.raises(ValueError, match=rf"a\{suffix}.*128 megapixels, received 30,000 x 30,000"):
        read_photograph(tmp_path / f"a{suffix}")


def test_the_limit_of_pixels_is_an_option(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), np.zeros((48, 64), np.uint8))
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_MEGAPIXELS", "0.003")
    with pytest.raises(ValueError, match=r"at most 0\.003 megapixels"):
        read_photograph(path)
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_MEGAPIXELS", "0.0031")
    assert read_photograph(path).shape == (48, 64, 3)


def test_a_picture_of_one_colour_is_no_photograph(tmp_path):
    path = tmp_path / "a.png"
    assert cv2.imwrite(str(path), np.zeros((5000, 4000), np.uint8))
    with pytest.raises(ValueError, match=r"a\.png: expected a photograph.*4,000 x 5,000"):
        read_photograph(path)


@pytest.mark.parametrize("read", [read_photograph, load_array_pickle, read_npz, GridModel.load])
def test_pipes_and_folders_are_refused(read, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe: expected a file, received a named pipe"):
        read(tmp_path / "pipe")
    with pytest.raises(ValueError, match="expected a file, received a folder"):
        read(tmp_path)


SMALL_THEN_LARGE = {
    "a comment that ends as OpenCV ends it": b"P6\n#x\r20000 20000\n#y\n10 10\n255\n" + bytes(1000),
    "a number with a comment behind it": b"P5\n10#20000 20000\n10 10\n255\n" + bytes(1000),
    "a comment with the names": b"P7\n# WIDTH 10 HEIGHT 10\nWIDTH 20000\nHEIGHT 20000\nDEPTH 3\n",
    "a comment with a size": b"#?RADIANCE\n# -Y 10 +X 10 \n\n-Y 020000 +X 20000\n" + bytes(1000),
}


@pytest.mark.parametrize("content", SMALL_THEN_LARGE.values(), ids=SMALL_THEN_LARGE.keys())
def test_a_small_size_before_the_one_that_counts(content):
    with pytest.raises(ValueError, match=r"at most 128 megapixels|not an image, or a"):
        check_picture(content)


def jpeg_2000(side, tile):
    """A JPEG 2000 file that claims a size, and that of its tiles."""
    content = bytearray(cv2.imencode(".jp2", np.zeros((64, 64, 3), np.uint8))[1])
    stream = content.index(b"\xff\x4f\xff\x51")
    struct.pack_into(">8I", content, stream + 8, side, side, 0, 0, tile, tile, 0, 0)
    return bytes(content)


def test_a_code_stream_in_another_box_is_not_the_picture():
    content = jpeg_2000(20_000, 20_000)
    other = b"\xff\x4f\xff\x51" + bytes(4) + struct.pack(">8IH", 10, 10, 0, 0, 10, 10, 0, 0, 3)
    begin = content.index(b"ftyp") + 16
    box = struct.pack(">I4s", len(other) + 8, b"free") + other
    with pytest.raises(ValueError, match="at most 128 megapixels"):
        check_picture(content[:begin] + box + content[begin:])


def test_tiles_that_the_file_does_not_justify():
    check_picture(jpeg_2000(4000, 256))
    with pytest.raises(ValueError, match="damaged"):
        check_picture(jpeg_2000(4000, 16))
