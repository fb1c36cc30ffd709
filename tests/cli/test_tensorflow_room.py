"""Commands that need TensorFlow where the address space does not suffice for it."""

import importlib.util
import resource
import subprocess
import sys

import pytest

from keras_3dmmstn.cli.tensorflow_room import least_room, room_for_tensorflow

KIB = 1024


@pytest.fixture
def limited(monkeypatch):
    """Makes the address space as large as a test says, in KiB."""

    def limit(size):
        monkeypatch.setattr(
            resource, "getrlimit", lambda kind: (KIB * size, resource.RLIM_INFINITY)
        )

    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    return limit


@pytest.mark.parametrize("command", ["data inspect", "train", "face-model steady"])
def test_tensorflow_is_refused_below_what_it_takes(limited, command):
    least = least_room(command)
    limited(least)
    with room_for_tensorflow(command):
        assert importlib.util.find_spec("tensorflow") is not None
    limited(least - 1)
    expected = f"{command} needs TensorFlow, and {least:,} KiB of address space or more"
    with pytest.raises(MemoryError, match=expected), room_for_tensorflow(command):
        importlib.util.find_spec("tensorflow")
    assert importlib.util.find_spec("tensorflow") is not None


def test_what_needs_no_tensorflow_is_not_refused(limited):
    limited(500_000)
    with room_for_tensorflow("figure uv"):
        assert importlib.util.find_spec("tensorflow_of_others") is None
        assert importlib.util.find_spec("numpy") is not None


@pytest.mark.parametrize("change", ["no resource", "no limit", "not known"])
def test_where_there_are_no_limits_nothing_is_refused(monkeypatch, limited, change):
    def refuse(kind):
        raise OSError(22, "Invalid argument")

    limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    if change == "no resource":
        monkeypatch.setitem(sys.modules, "resource", None)
    else:
        function = refuse if change == "not known" else lambda kind: limits
        monkeypatch.setattr(resource, "getrlimit", function)
    with room_for_tensorflow("train"):
        assert importlib.util.find_spec("tensorflow") is not None


def test_what_is_not_measured_takes_what_the_import_takes():
    assert least_room("face-model steady") == least_room("") < least_room("data convert")
    assert least_room("data convert") < least_room("data inspect") < least_room("train")


def test_a_command_says_so_in_a_sentence(tmp_path):
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1024 * 10**6, resource.RLIM_INFINITY))\n"
        f"sys.argv = ['keras-3dmmstn', 'data', 'inspect', {str(tmp_path)!r}]\n"
        "from keras_3dmmstn.cli import main\n"
        "main()\n"
    )
    (tmp_path / "index.json").write_text("{}")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.startswith("The memory does not suffice: data inspect needs TensorFlow, and ")
    assert run.stderr.endswith("or more; the limit (ulimit -v) is 1,000,000 KiB.\n")
