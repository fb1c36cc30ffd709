"""Keras on another backend than TensorFlow."""

import json
import os
import subprocess
import sys
import types

import pytest

from keras_3dmmstn.keras_backend import check_backend

ADVICE = ". Set KERAS_BACKEND=tensorflow before you import Keras."


@pytest.fixture(autouse=True)
def no_keras_yet(monkeypatch, tmp_path):
    """As in a process that has not imported Keras, with an empty home."""
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def write_settings(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keras.json").write_text(text)
    return folder / "keras.json"


def message():
    with pytest.raises(ImportError) as error:
        check_backend()
    return str(error.value)


def test_tensorflow_is_the_default():
    check_backend()


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_variable_is_named(backend, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    expected = f"but the environment has KERAS_BACKEND={backend}{ADVICE}"
    assert message() == f"keras_3dmmstn needs Keras on TensorFlow, {expected}"


def test_the_settings_at_home_are_named(tmp_path):
    path = write_settings(tmp_path / ".keras", json.dumps({"backend": "torch"}))
    assert f'but {path} has "backend": "torch"{ADVICE}' in message()


def test_the_settings_in_keras_home_are_named(tmp_path, monkeypatch):
    write_settings(tmp_path / ".keras", json.dumps({"backend": "tensorflow"}))
    path = write_settings(tmp_path / "elsewhere", json.dumps({"backend": "jax"}))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "elsewhere"))
    assert f'but {path} has "backend": "jax"{ADVICE}' in message()


@pytest.mark.parametrize("text", ["{}", "no JSON", "[]", 100_000 * "["])
def test_settings_without_a_backend_are_no_matter(text, tmp_path):
    write_settings(tmp_path / ".keras", text)
    check_backend()


def test_the_variable_stands_above_the_settings(tmp_path, monkeypatch):
    write_settings(tmp_path / ".keras", json.dumps({"backend": "jax"}))
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    check_backend()


def test_a_keras_that_is_imported_stands_above_all(monkeypatch):
    keras = types.ModuleType("keras")
    keras.config = types.SimpleNamespace(backend=lambda: "jax")
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    assert f"but Keras is already imported on jax{ADVICE}" in message()


def run(*arguments):
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_import_is_refused_with_one_sentence():
    lines = run("-c", "import keras_3dmmstn").stderr.splitlines()
    assert lines[-1].startswith("ImportError: keras_3dmmstn needs Keras on TensorFlow")
    assert lines[-1].endswith(ADVICE)


def test_the_commands_choose_tensorflow_themselves(tmp_path):
    script = tmp_path / "keras-3dmmstn"  # as pip writes it
    script.write_text("import sys\nfrom keras_3dmmstn.cli import main\nsys.exit(main())\n")
    result = run(script, "normalise", "no.jpg", "--out", tmp_path / "out")
    # Keras on JAX would not load the weights.
    assert result.stderr.splitlines()[-1] == "1 of 1 photographs failed.", result.stderr

    result = run("-m", "keras_3dmmstn", "--help")
    assert result.returncode == 0 and "normalise" in result.stdout, result.stderr
