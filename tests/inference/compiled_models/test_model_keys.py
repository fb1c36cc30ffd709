"""What makes the key of a compiled model another one."""

import re
from importlib import metadata

import numpy as np
import pytest

from keras_3dmmstn.inference.compiled_models import model_keys
from keras_3dmmstn.inference.compiled_models.model_keys import model_key


@pytest.fixture
def environment(monkeypatch):
    """Has the environment looked up anew, before and after."""
    model_keys._environment.cache_clear()
    yield
    monkeypatch.undo()
    model_keys._environment.cache_clear()


def test_a_key_is_a_checksum_and_the_same_for_equal_values():
    one = model_key("mask", array=np.arange(6).reshape(2, 3), size=224)
    assert re.fullmatch("[0-9a-f]{64}", one)
    assert one == model_key("mask", array=np.arange(6).reshape(2, 3).copy(order="F"), size=224)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": "1"}),
        ({"a": "1"}, {"a": b"1"}),
        ({"a": b"xy", "b": b""}, {"a": b"x", "b": b"y"}),
        ({"a": {"b": 1}, "c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"a": np.zeros(4, "f4")}, {"a": np.zeros(4, "i4")}),
        ({"a": np.zeros(4)}, {"a": np.zeros((2, 2))}),
        ({"a": np.arange(4)}, {"a": np.arange(4)[::-1]}),
        ({"a": None}, {"a": 1.0}),
    ],
)
def test_other_values_have_another_key(one, other):
    assert model_key("mask", **one) != model_key("mask", **other)


def test_what_it_computes_is_in_the_key():
    assert model_key("mask", a=1) != model_key("face", a=1)


@pytest.mark.parametrize("name", ["tensorflow", "keras", "ai-edge-litert", "keras-3dmmstn"])
def test_versions_are_in_the_key(name, environment, monkeypatch):
    before = model_key("mask")
    model_keys._environment.cache_clear()
    if name == "keras-3dmmstn":
        monkeypatch.setattr("keras_3dmmstn.version.__version__", "99")
    else:
        version = metadata.version
        monkeypatch.setattr(metadata, "version", lambda n: "99" if n == name else version(n))
    assert model_key("mask") != before


def test_the_code_of_the_package_is_in_the_key(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(model_keys, "__file__", str(tmp_path / "inference" / "made" / "key.py"))
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "rotation.py").write_text("1")
    before = model_key("mask")
    model_keys._environment.cache_clear()
    (tmp_path / "ops" / "rotation.py").write_text("2")
    assert model_key("mask") != before
