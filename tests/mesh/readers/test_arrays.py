"""Any .npz with mean, basis and triangles."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.readers import READERS, checks, read
from keras_3dmmstn.mesh.readers.arrays import read_arrays
from keras_3dmmstn.mesh.synthetic import toy_shape_model


@pytest.fixture
def write(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "model.npz", **arrays)
        return tmp_path / "model.npz"

    return write


@pytest.mark.parametrize(
    ("mean", "basis", "triangles"),
    [
        ("mean", "basis", "triangles"),
        ("v_template", "shapedirs", "f"),
        ("shapeMU", "shapePC", "tri"),
    ],
)
@pytest.mark.parametrize("layout", range(4))
def test_names_and_shapes(write, small, mean, basis, triangles, layout):
    modes = small.identity
    modes = [
        modes,
        modes.transpose(1, 2, 0),
        modes.reshape(4, -1).T,
        modes.reshape(4, -1),
    ][layout]
    flat_mean = [small.mean, small.mean, small.mean.reshape(-1, 1), small.mean.ravel()][layout]
    faces = small.triangles.T if layout % 2 else small.triangles
    model = read_arrays(write(**{mean: flat_mean, basis: modes, triangles: faces}))
    np.testing.assert_allclose(model.mean, small.to_package(small.mean), atol=1e-4)
    np.testing.assert_allclose(model.basis, small.to_package(small.identity), atol=1e-5)
    np.testing.assert_array_equal(model.triangles, small.triangles)
    assert model.identity_count == 4


def test_unit_frame_and_first_index(write, small):
    path = write(
        mean=small.to_package(small.mean) / 1000,
        basis=small.to_package(small.identity) / 1000,
        triangles=small.triangles + 1,
        landmarks68=np.arange(68) % 63 + 1,
    )
    model = read_arrays(path, unit="m", frame="y down", first_index=1)
    np.testing.assert_allclose(model.mean, small.to_package(small.mean), atol=1e-4)
    np.testing.assert_array_equal(model.triangles, small.triangles)
    np.testing.assert_array_equal(model.landmarks["ibug68"], np.arange(68) % 63)


def test_deviations_and_counts(write, small):
    arrays = {"mean": small.mean, "triangles": small.triangles}
    deviation = np.array([4.0, 3.0, 2.0, 1.0])
    path = write(**arrays, basis=small.identity, standard_deviation=deviation, identity_count=3)
    model = read_arrays(path, 2)
    expected = small.to_package(small.identity * deviation[:, None, None])[[0, 1, 3]]
    np.testing.assert_allclose(model.basis, expected, atol=1e-5)
    assert model.identity_count == 2
    path = write(
        **arrays,
        identity=small.identity,
        expression=small.expression,
        expression_std=deviation,
    )
    model = read_arrays(path, 4, 1)
    np.testing.assert_allclose(model.basis[4], 4 * small.to_package(small.expression[0]), atol=1e-5)
    with pytest.raises(ValueError, match="0 to 4 expression modes, received 5"):
        read_arrays(path, 4, 5)


def test_a_saved_shape_model_is_read_as_it_is(tmp_path):
    toy = toy_shape_model(31, 31)
    toy.save(tmp_path / "toy.npz")
    model = read_arrays(tmp_path / "toy.npz", 2, 1)
    np.testing.assert_array_equal(model.mean, toy.mean)
    np.testing.assert_array_equal(model.basis, toy.basis[[0, 1, 3]])
    np.testing.assert_array_equal(model.mirror, toy.mirror)
    assert model.landmarks.keys() == toy.landmarks.keys()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": None}, "an array named mean, .*received basis, triangles"),
        ({"basis": None}, "an array named basis"),
        ({"triangles": None}, "an array named triangles"),
        ({"mean": np.zeros(62)}, r"`mean` of shape \(any, 3\)"),
        ({"mean": np.array([["a"] * 3])}, "and numbers"),
        ({"basis": np.zeros((4, 62, 3))}, r"`basis` of shape \(modes, 63, 3\)"),
        ({"basis": np.zeros(189)}, r"`basis` of shape"),
        ({"triangles": np.array([[-1, 0, 1]])}, "received -1 to 1"),
        ({"identity_count": np.array(5)}, "`identity_count`.* 0 to 4"),
        ({"standard_deviation": np.ones(3)}, r"`standard_deviation` of shape \(4\)"),
        ({"ibug68": np.zeros(66, int)}, r"`ibug68` of shape \(68\)"),
        ({"mean": np.array(["", object()])}, "model.npz"),
    ],
)
def test_wrong_arrays_are_named(write, small, change, message):
    arrays = {"mean": small.mean, "basis": small.identity, "triangles": small.triangles} | change
    path = write(**{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(ValueError, match=message) as error:
        read_arrays(path)
    assert path.name in str(error.value)


def test_wrong_options_and_files(tmp_path, write, small):
    path = write(mean=small.mean, basis=small.identity, triangles=small.triangles)
    with pytest.raises(ValueError, match="received 'inch'"):
        read_arrays(path, unit="inch")
    with pytest.raises(ValueError, match='`frame` among "y up", "y down", received'):
        read_arrays(path, frame="z up")
    content = path.read_bytes()
    for damaged in (content[:-100], content[:100], b"", b"text"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"model\.npz"):
            read_arrays(path)
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "absent.npz")


def test_dispatch_by_kind(write, small):
    path = write(mean=small.mean, basis=small.identity, triangles=small.triangles)
    assert read("npz", path, identity=2).modes == 2
    with pytest.raises(ValueError, match=r"bfm2009.*received 'bfm'"):
        read("bfm", path)


@pytest.mark.parametrize("kind", sorted(READERS))
def test_every_reader_refuses_another_file(tmp_path, kind):
    (tmp_path / "readme.txt").write_text("no model")
    with pytest.raises(ValueError, match=r"readme\.txt"):
        read(kind, tmp_path / "readme.txt")
    with pytest.raises(FileNotFoundError):
        read(kind, tmp_path / "absent")


@pytest.mark.parametrize("name", ["quads", "faces_quad", "faces"])
@pytest.mark.parametrize("transposed", [False, True])
def test_quads_are_split(write, name, transposed):
    x, y = np.meshgrid(np.arange(4.0), -np.arange(3.0))
    mean = np.stack([x, y, 1 - 0.1 * x**2], axis=-1).reshape(-1, 3)
    number = np.arange(12).reshape(3, 4)
    quads = np.stack([number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]], -1)
    quads = quads.reshape(-1, 4)
    quads[-1, 3] = quads[-1, 2]  # a triangle
    faces = {name: quads.T if transposed else quads}
    model = read_arrays(write(mean=mean, basis=np.zeros((1, 12, 3)), **faces))
    expected = quads[:, [[0, 1, 2], [0, 2, 3]]].reshape(-1, 3)[:-1]
    assert {frozenset(face) for face in model.triangles.tolist()} == {
        frozenset(face) for face in expected.tolist()
    }
    assert len(model.triangles) == 11


def test_four_triangles_or_three_quads_are_not_guessed(tmp_path):
    rows = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4], [1, 2, 3]])
    np.testing.assert_array_equal(checks.triangles("f", "faces", rows, 5), rows)
    with pytest.raises(ValueError, match=r"f: .*`faces` of shape \(triangles, 3\).* three quads"):
        checks.triangles("f", "faces", rows.T, 5)
    quads = np.array([[0, 1, 2, 3], [1, 2, 3, 4], [0, 2, 3, 4]])
    assert checks.triangles("f", "quads", quads, 5).shape == (6, 3)
