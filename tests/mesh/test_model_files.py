"""Shape and grid models: their checks and their files."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel, ShapeModel
from keras_3dmmstn.mesh.archive import write_archive
from keras_3dmmstn.mesh.landmark_sets import AFLW21_NAMES, MIRROR
from keras_3dmmstn.mesh.synthetic import toy_grid_model, toy_shape_model

UNITS = {"jawOpen": [1, 0.5, 0], "mouth/smile": [0, 1, -2]}
MODELS = {
    "shape": dataclasses.replace(toy_shape_model(), expression_units=UNITS),
    "grid": dataclasses.replace(toy_grid_model((16, 20)), expression_units=UNITS),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_model_survives_its_file(model, tmp_path):
    model.save(tmp_path / "model.npz")
    again = type(model).load(tmp_path / "model.npz")
    for field in dataclasses.fields(model):
        before, after = getattr(model, field.name), getattr(again, field.name)
        if field.name in ("landmarks", "expression_units"):
            assert before.keys() == after.keys()
            for name in before:
                np.testing.assert_array_equal(before[name], after[name])
        else:
            np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("unit", [[1.0, 2.0], [1.0, np.nan, 0.0]])
def test_units_have_a_number_for_each_mode_of_expression(model, unit):
    with pytest.raises(ValueError, match=r"expression_units\['smile'\] to be 3 finite numbers"):
        dataclasses.replace(model, expression_units={"smile": unit})


def test_a_file_without_units_has_none(tmp_path):
    toy_grid_model((16, 20)).save(tmp_path / "model.npz")
    assert GridModel.load(tmp_path / "model.npz").expression_units == {}


def test_float16_file_is_smaller_and_close(tmp_path):
    model = MODELS["grid"]
    model.save(tmp_path / "full.npz")
    model.save(tmp_path / "half.npz", basis_dtype="float16")
    assert (tmp_path / "half.npz").stat().st_size < 0.75 * (tmp_path / "full.npz").stat().st_size
    half = GridModel.load(tmp_path / "half.npz")
    assert half.basis.dtype == np.float32
    np.testing.assert_allclose(half.basis, model.basis, atol=0.01)


def test_the_suffix_is_added(tmp_path):
    MODELS["grid"].save(tmp_path / "model")
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "model.npz"
    MODELS["grid"].save(path)
    before = path.read_bytes()

    class Unwritable:
        def __array__(self, *args, **kwargs):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_archive(path, "kind", 1, {"mean": Unwritable()})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


def test_shape_is_mean_plus_weighted_basis():
    model = MODELS["grid"]
    expected = model.mean + 2 * model.basis[1] - model.basis[4]
    np.testing.assert_allclose(model.shape([0, 2, 0, 0, -1, 0]), expected, atol=1e-4)


def test_a_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        GridModel.load(tmp_path / "none.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"a text"])
def test_a_damaged_file_is_named(content, tmp_path):
    (tmp_path / "broken.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"Expected a keras_3dmmstn grid model file.*broken\.npz"):
        GridModel.load(tmp_path / "broken.npz")


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "model.npz"
    MODELS["grid"].save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=r"model\.npz"):
        GridModel.load(path)


def test_pickled_content_is_refused(tmp_path):
    np.savez(tmp_path / "pickle.npz", mean=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="pickle"):
        GridModel.load(tmp_path / "pickle.npz")


def test_a_single_array_is_named(tmp_path):
    np.save(tmp_path / "array.npy", np.zeros(3))
    with pytest.raises(ValueError, match=r"array\.npy"):
        GridModel.load(tmp_path / "array.npy")


def test_a_file_with_flipped_bits_is_named(tmp_path, rng):
    path = tmp_path / "model.npz"
    MODELS["grid"].save(path)
    whole = path.read_bytes()
    for _ in range(20):
        damaged = bytearray(whole)
        for position in rng.integers(0, len(whole), 30):
            damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"model\.npz"):
            GridModel.load(path)


@pytest.mark.parametrize("part", ["mean", "basis"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_number_that_no_face_has_is_refused(kind, part):
    array = getattr(MODELS[kind], part).copy()
    array.flat[3] = -1e30
    with pytest.raises(ValueError, match=r"expects millimetres, all within .*received 1e\+30"):
        replace(MODELS[kind], **{part: array})


@pytest.mark.parametrize("dtype", [complex, "datetime64[s]", str])
def test_arrays_that_are_no_real_numbers_are_refused(dtype):
    mean = MODELS["shape"].mean.astype(int).astype(dtype)
    with pytest.raises(ValueError, match="Expected an array of real numbers, received one of"):
        replace(MODELS["shape"], mean=mean)


def test_a_file_of_another_kind_is_named(tmp_path):
    MODELS["shape"].save(tmp_path / "shape.npz")
    with pytest.raises(ValueError, match="whose kind is keras_3dmmstn shape model"):
        GridModel.load(tmp_path / "shape.npz")


def test_a_file_of_another_version_is_named(tmp_path):
    write_archive(tmp_path / "new.npz", "keras_3dmmstn grid model", 99, {})
    with pytest.raises(ValueError, match=r"version 1 .* received 99"):
        GridModel.load(tmp_path / "new.npz")


def test_a_file_that_lacks_an_array_is_named(tmp_path):
    write_archive(tmp_path / "part.npz", "keras_3dmmstn grid model", 1, {"mean": np.zeros((4, 3))})
    with pytest.raises(ValueError, match="needs basis, grid_shape, identity_count"):
        GridModel.load(tmp_path / "part.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": np.zeros((5, 2))}, "`mean` of shape"),
        ({"basis": np.zeros((6, 5, 3))}, "`basis` of shape"),
        ({"identity_count": 7}, "between 0 and its 6 modes"),
        ({"mean": np.full((320, 3), np.nan)}, "finite"),
        ({"grid_shape": (16, 21)}, "16 x 21 = 336 vertices"),
        ({"grid_shape": (320, 1)}, r"\(rows, columns\)"),
        ({"landmarks": {"mine": [320]}}, r"landmarks\['mine'\]"),
    ],
)
def test_a_grid_model_refuses_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(MODELS["grid"], **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"triangles": np.zeros((4, 4), int)}, "`triangles` of shape"),
        ({"triangles": [[0, 1, 99999]]}, "Expected triangles to number vertices"),
        ({"landmarks": {"mine": [-1]}}, r"Expected landmarks\['mine'\]"),
        ({"mirror": np.zeros(3721, int)}, "involution"),
        ({"mirror": np.arange(5)}, "involution"),
    ],
)
def test_a_shape_model_refuses_what_does_not_fit(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(MODELS["shape"], **change)


@pytest.mark.parametrize(("rows", "columns"), [(61, 60), (10, 61)])
def test_a_toy_face_needs_a_middle_and_some_size(rows, columns):
    with pytest.raises(ValueError, match=f"received {rows} x {columns}"):
        toy_shape_model(rows, columns)


@pytest.mark.parametrize(("name", "size"), [("ibug68", 68), ("aflw21", 21)])
def test_the_mirror_of_a_landmark_set_is_an_involution_that_fits_the_face(name, size):
    mirror = MIRROR[name]
    np.testing.assert_array_equal(mirror[mirror], np.arange(size))
    face: ShapeModel = MODELS["shape"]
    np.testing.assert_array_equal(face.mirror[face.landmarks[name]], face.landmarks[name][mirror])


def test_aflw_names_say_left_where_the_face_is_left():
    face = MODELS["shape"]
    x = face.mean[face.landmarks["aflw21"], 0]
    for name, position in zip(AFLW21_NAMES, x, strict=True):
        if name.startswith(("left", "mouth left", "nose left")):
            assert position < 0, name
        elif name.startswith(("right", "mouth right", "nose right")):
            assert position > 0, name
        else:
            assert abs(position) < 1e-6, name
