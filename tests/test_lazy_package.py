"""`import keras_3dmmstn`: every public name, and nothing imported before it is used."""

import importlib
import subprocess
import sys

import pytest

import keras_3dmmstn

HEAVY = ("tensorflow", "keras", "cv2", "scipy")


def loaded_by(code):
    """Runs code in a fresh process; returns what of `HEAVY` it loaded."""
    code = f"import sys\n{code}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_package_loads_nothing_heavy():
    assert loaded_by("import keras_3dmmstn; keras_3dmmstn.__version__, dir(keras_3dmmstn)") == "[]"


def test_meshes_need_no_tensorflow():
    code = "import keras_3dmmstn; keras_3dmmstn.mesh.GridModel.bundled(), keras_3dmmstn.ShapeModel"
    assert loaded_by(code) == "['scipy']"


@pytest.mark.parametrize("name", keras_3dmmstn.__all__)
def test_a_public_name_is_found_and_listed(name):
    assert getattr(keras_3dmmstn, name) is not None
    assert name in dir(keras_3dmmstn)


def test_names_are_those_of_their_modules():
    assert keras_3dmmstn.training is importlib.import_module("keras_3dmmstn.training")
    assert keras_3dmmstn.export is importlib.import_module("keras_3dmmstn.export")
    assert keras_3dmmstn.Normaliser.__module__ == "keras_3dmmstn.inference.normaliser"


def test_all_names_can_be_imported_at_once():
    names = {}
    exec("from keras_3dmmstn import *", names)
    assert set(keras_3dmmstn.__all__) <= set(names)


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'keras_3dmmstn' has no attribute 'normalizer'"):
        keras_3dmmstn.normalizer  # noqa: B018
