"""Pickles are read without running what is in them."""

import pickle
import struct
import sys
import types

import numpy as np
import pytest

from keras_3dmmstn.mesh.formats.array_pickle import Inert, array_of, load_array_pickle

ARRAY = np.arange(12.0).reshape(3, 4) / 7


def python2_array(array):
    """Returns the opcodes that Python 2's cPickle wrote for a float64 array, protocol 2."""
    data = array.tobytes()
    shape = b"".join(b"K" + bytes([n]) for n in array.shape)
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01(" + shape + b"tcnumpy\ndtype\nU\x02f8K\x00K\x01\x87R"
        b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + struct.pack("<i", len(data)) + data + b"tb"
    )


@pytest.fixture
def chumpy(monkeypatch):
    """A stand-in for the module chumpy, to write its pickles."""

    class Ch:
        def __init__(self, x):
            self._dirty_vars = {"x"}
            self._depends_on_deps = {}
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    module = types.ModuleType("chumpy.ch")
    module.Ch = Ch
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return Ch


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol(tmp_path, protocol):
    value = {"a": ARRAY, "b": [np.float32(2.5), "text", None], "c": np.arange(5, dtype=">i4")}
    (tmp_path / "a.pkl").write_bytes(pickle.dumps(value, protocol))
    read = load_array_pickle(tmp_path / "a.pkl")
    np.testing.assert_array_equal(read["a"], ARRAY)
    np.testing.assert_array_equal(read["c"], np.arange(5))
    assert read["b"] == [2.5, "text", None]


def test_arrays_of_python_2(tmp_path):
    content = b"\x80\x02}U\x01a" + python2_array(ARRAY) + b"s."
    (tmp_path / "a.pkl").write_bytes(content)
    np.testing.assert_array_equal(load_array_pickle(tmp_path / "a.pkl")["a"], ARRAY)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_chumpy_arrays_are_inert_and_give_their_array(tmp_path, chumpy, monkeypatch, protocol):
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": chumpy(ARRAY)}, protocol))
    monkeypatch.delitem(sys.modules, "chumpy.ch")
    value = load_array_pickle(tmp_path / "a.pkl")["a"]
    assert type(value) is Inert
    np.testing.assert_array_equal(array_of(value), ARRAY)
    assert array_of(3) == 3


def test_python_2_chumpy_array(tmp_path):
    """As in FLAME's generic_model.pkl: copy_reg, a state with a set, and the array as x."""
    content = (
        b"\x80\x02}U\x09shapedirsccopy_reg\n_reconstructor\n"
        b"cchumpy.ch\nCh\nc__builtin__\nobject\nN\x87R"
        b"}(U\x0b_dirty_varsc__builtin__\nset\n]\x85RU\x01x" + python2_array(ARRAY) + b"ubs."
    )
    (tmp_path / "a.pkl").write_bytes(content)
    value = load_array_pickle(tmp_path / "a.pkl")["shapedirs"]
    np.testing.assert_array_equal(array_of(value), ARRAY)


def test_sparse_matrices_are_inert(tmp_path):
    import scipy.sparse

    matrix = scipy.sparse.csc_matrix(np.eye(3))
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"J": matrix}, 2))
    assert type(load_array_pickle(tmp_path / "a.pkl")["J"]) is Inert


def test_tensors_are_inert(tmp_path):
    """As in landmark_embedding.npy, which carries PyTorch tensors beside arrays."""
    content = (
        b"\x80\x02}(U\x01tctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n"
        b"_load_from_bytes\nU\x03abc\x85RK\x00K\x02\x85K\x01\x85\x89"
        b"ccollections\nOrderedDict\n)RtRU\x01a" + python2_array(ARRAY) + b"u."
    )
    (tmp_path / "a.pkl").write_bytes(content)
    value = load_array_pickle(tmp_path / "a.pkl")
    assert type(value["t"]) is Inert
    np.testing.assert_array_equal(value["a"], ARRAY)


class Command:
    """Unpickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def hostile_pickles(target):
    command = f"touch {target}"
    yield pickle.dumps({"v_template": Command(__import__("os").system, command)})
    yield pickle.dumps(Command(eval, f"open({str(target)!r}, 'w')"))
    yield pickle.dumps(Command(exec, f"open({str(target)!r}, 'w')"))
    yield pickle.dumps(Command(__import__, "antigravity"))
    yield pickle.dumps(Command(getattr, "", "upper"))
    yield b"cposix\nsystem\n(S'" + command.encode() + b"'\ntR."
    yield b"c__builtin__\neval\n(S'1'\ntR."
    yield b"(S'" + command.encode() + b"'\nios\nsystem\n."
    # By a dotted name through an admitted module, and through the reconstructor.
    yield b"\x80\x04\x8c\x05numpy\x8c\x0bload.__doc__\x93."
    yield b"cnumpy\nload\n(S'x'\ntR."
    yield b"ccopy_reg\n_reconstructor\n(c__builtin__\nset\nc__builtin__\nobject\nNtR."
    yield b"cnumpy.testing._private.utils\nrunstring\n(S'1'\n}tR."
    yield b"cchumpy.ch\nChLambda\n."


def test_nothing_is_run(tmp_path):
    target = tmp_path / "ran"
    for content in hostile_pickles(target):
        (tmp_path / "hostile.pkl").write_bytes(content)
        with pytest.raises(ValueError, match=r"hostile\.pkl"):
            load_array_pickle(tmp_path / "hostile.pkl")
        assert not target.exists()


def test_the_foreign_class_is_named(tmp_path):
    (tmp_path / "a.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match=r"posix\.system, which is no array"):
        load_array_pickle(tmp_path / "a.pkl")


def test_damaged_pickles(tmp_path):
    whole = pickle.dumps({"a": ARRAY})
    for content in (b"", b"text", whole[:-20], whole[:40], b"\x80\x04."):
        (tmp_path / "a.pkl").write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.pkl"):
            load_array_pickle(tmp_path / "a.pkl")
    with pytest.raises(FileNotFoundError):
        load_array_pickle(tmp_path / "absent.pkl")


def test_an_npy_file_with_a_dictionary(tmp_path):
    np.save(tmp_path / "a.npy", {"a": ARRAY}, allow_pickle=True)
    np.testing.assert_array_equal(load_array_pickle(tmp_path / "a.npy")["a"], ARRAY)
    np.save(tmp_path / "b.npy", ARRAY)
    with pytest.raises(ValueError, match=r"b\.npy.*not of a pickled dictionary"):
        load_array_pickle(tmp_path / "b.npy")
    np.save(tmp_path / "c.npy", {"a": Command(eval, "1")}, allow_pickle=True)
    with pytest.raises(ValueError, match=r"builtins\.eval"):
        load_array_pickle(tmp_path / "c.npy")
