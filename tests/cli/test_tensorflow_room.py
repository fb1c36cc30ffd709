"""Commands that need TensorFlow where the address space does not suffice for it."""

import importlib.util
import resource
import subprocess
import sys

import pytest

from keras_3dmmstn.cli import tensorflow_room
from keras_3dmmstn.cli.tensorflow_room import least_room, room_for_tensorflow

GB = 10**9


@pytest.fixture
def limited(monkeypatch):
    """Makes the address space as large as a test says."""

    def limit(size):
        monkeypatch.setattr(resource, "getrlimit", lambda kind: (size, resource.RLIM_INFINITY))

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    return limit


@pytest.mark.parametrize("command", ["data inspect", "train", "face-model steady"])
def test_tensorflow_is_refused_below_what_it_takes(limited, command):
    least = least_room(command)
    limited(least)
    with room_for_tensorflow(command):
        assert importlib.util.find_spec("tensorflow") is not None
    limited(least - 1)
    expected = f"{command} needs TensorFlow, and {least / GB:.1f} GB of address space or more"
    with pytest.raises(MemoryError, match=expected), room_for_tensorflow(command):
        importlib.util.find_spec("tensorflow")
    assert importlib.util.find_spec("tensorflow") is not None


def test_what_needs_no_tensorflow_is_not_refused(limited):
    limited(GB // 2)
    with room_for_tensorflow("figure uv"):
        assert importlib.util.find_spec("tensorflow_of_others") is None
        assert importlib.util.find_spec("numpy") is not None


@pytest.mark.parametrize("error", [ImportError, OSError])
def test_where_there_are_no_limits_nothing_is_refused(monkeypatch, limited, error):
    if error is ImportError:
        monkeypatch.setitem(sys.modules, "resource", None)
    else:
        monkeypatch.setattr(resource, "getrlimit", lambda kind: 1 / 0 if not kind else fail())
    with room_for_tensorflow("train"):
        assert importlib.util.find_spec("tensorflow") is not None
    limited(resource.RLIM_INFINITY)
    assert tensorflow_room._limit() is None


def fail():
    raise OSError(22, "Invalid argument")


def test_a_command_says_so_in_a_sentence(tmp_path):
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (10**9, resource.RLIM_INFINITY))\n"
        f"sys.argv = ['keras-3dmmstn', 'data', 'inspect', {str(tmp_path)!r}]\n"
        "from keras_3dmmstn.cli import main\n"
        "main()\n"
    )
    (tmp_path / "index.json").write_text("{}")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("The memory does not suffice: data inspect needs TensorFlow, and ")
    assert run.stderr.endswith("of address space or more; the limit (ulimit -v) is 1.0 GB.\n")
