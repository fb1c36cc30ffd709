"""The Basel Face Models of 2017 and 2019, on files in their layout."""

import json

import h5py
import numpy as np
import pytest

from keras_3dmmstn.mesh.readers.bfm2017 import read_bfm2017

VARIANCE = np.array([9.0, 4.0, 2.0, 1.0])


@pytest.fixture
def write_model(tmp_path, small):
    """Writes a model in statismo's layout; `replaced` arrays are None to leave them out."""

    def write(**replaced):
        landmarks = [
            {"id": name, "coordinates": list(small.mean[vertex] + 0.01)}
            for name, vertex in (("center.nose.tip", 31), ("center.chin.tip", 59))
        ]
        arrays = {
            "shape/model/mean": small.mean.ravel(),
            "shape/model/pcaBasis": small.identity.reshape(4, -1).T,
            "shape/model/pcaVariance": VARIANCE,
            "shape/representer/points": small.mean.T,
            "shape/representer/cells": small.triangles.T.astype(np.int32),
            "expression/model/mean": np.full(189, 0.5),
            "expression/model/pcaBasis": small.expression.reshape(4, -1).T,
            "expression/model/pcaVariance": VARIANCE / 2,
            "metadata/landmarks/json": json.dumps(landmarks),
        } | {name.replace("__", "/"): array for name, array in replaced.items()}
        path = tmp_path / "model2019_face12.h5"
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                if array is not None:
                    file[name] = array
        return path

    return write


def test_values(write_model, small):
    model = read_bfm2017(write_model(), 3, 2)
    np.testing.assert_allclose(model.mean, small.to_package(small.mean + 0.5), atol=1e-4)
    identity = small.identity * np.sqrt(VARIANCE)[:, None, None]
    expression = small.expression * np.sqrt(VARIANCE / 2)[:, None, None]
    expected = small.to_package(np.concatenate([identity[:3], expression[:2]]))
    np.testing.assert_allclose(model.basis, expected, atol=1e-5)
    np.testing.assert_array_equal(model.triangles, small.triangles)
    assert model.identity_count == 3
    assert read_bfm2017(write_model()).modes == 8


def test_named_landmarks_are_sorted_by_name(write_model):
    np.testing.assert_array_equal(read_bfm2017(write_model()).landmarks["basel"], [59, 31])
    assert read_bfm2017(write_model(metadata__landmarks__json=None)).landmarks == {}
    assert read_bfm2017(write_model(metadata__landmarks__json="[]")).landmarks == {}


def test_without_expressions(write_model, small):
    nothing = {f"expression__model__{n}": None for n in ("mean", "pcaBasis", "pcaVariance")}
    path = write_model(**nothing)
    assert read_bfm2017(path).modes == 4
    np.testing.assert_allclose(read_bfm2017(path).mean, small.to_package(small.mean), atol=1e-4)
    with pytest.raises(ValueError, match="0 to 0 expression modes, received 1"):
        read_bfm2017(path, 4, 1)


def test_too_many_modes(write_model):
    with pytest.raises(ValueError, match="0 to 4 identity modes, received 199"):
        read_bfm2017(write_model(), 199)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"shape__model__pcaBasis": None}, "shape/model/pcaBasis, which is missing"),
        ({"expression__model__mean": None}, "expression/model/mean, which is missing"),
        ({"shape__model__pcaBasis": np.zeros((180, 4))}, r"pcaBasis` of shape \(189, any\)"),
        ({"shape__model__pcaBasis": np.zeros(189)}, r"pcaBasis` of shape \(189, any\)"),
        ({"shape__model__pcaVariance": np.ones(3)}, r"pcaVariance` of shape \(4\)"),
        ({"shape__model__pcaVariance": -np.ones(4)}, "expected variances"),
        ({"shape__model__mean": np.zeros(186)}, r"mean` of shape \(189\)"),
        ({"shape__representer__cells": np.full((3, 9), 63)}, "vertices 0 to 62, received 63"),
        (
            {"shape__representer__cells__group": 1, "shape__representer__cells": None},
            "cells, which is missing",
        ),
        ({"metadata__landmarks__json": "{"}, "expected `metadata/landmarks/json` to be a list"),
        ({"metadata__landmarks__json": "[1]"}, "expected `metadata/landmarks/json` to be a list"),
    ],
)
def test_wrong_arrays_are_named(write_model, replaced, message):
    path = write_model(**replaced)
    with pytest.raises(ValueError, match=message) as error:
        read_bfm2017(path)
    assert path.name in str(error.value)


def test_truncated_or_other_file(write_model, tmp_path):
    path = write_model()
    content = path.read_bytes()
    for damaged in (content[:1000], content[: len(content) - 500], b"", b"no model"):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=path.name):
            read_bfm2017(path)
    with pytest.raises(FileNotFoundError):
        read_bfm2017(tmp_path / "absent.h5")
