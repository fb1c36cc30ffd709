"""Processes that start when the models are compiled: they do without TensorFlow."""

import json
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import resources

import cv2
import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from tests.support.small_network import small_normaliser
from tests.support.videos import moving_portrait, write_video

BOX = [[20.0, 20.0, 60.0, 60.0]]
PORTRAIT = resources.files("keras_3dmmstn.assets") / "portrait.jpg"
SAY = "print('imported:', *sorted({'tensorflow', 'keras'} & set(sys.modules)))\n"
COMMAND = (
    "import sys\nfrom keras_3dmmstn.cli import main\n"
    "sys.argv = ['keras-3dmmstn', *sys.argv[1:]]\n"
    "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n" + SAY
)
PYTHON = "import sys\nfrom keras_3dmmstn import Normaliser\nface, = MADE(sys.argv[1])\n" + SAY


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The environment of processes for which the bundled weights are compiled."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("KERAS_3DMMSTN_CACHE", str(folder))
        Normaliser.pretrained()
        return {**os.environ}


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A folder of small weights, and an empty one of compiled models."""
    monkeypatch.setenv("KERAS_3DMMSTN_CACHE", str(tmp_path / "cache"))
    small_normaliser().save(tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def photograph(tmp_path, rng):
    path = tmp_path / "photograph.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (90, 90, 3), np.uint8))
    return path


def run(code, *arguments, env=None):
    """Runs code in a process of its own and returns the last line that it prints."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, env=env)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "normaliser",
    [
        "Normaliser.pretrained()",
        "Normaliser.from_preset('compact', texture_size=64)",
    ],
)
def test_a_normaliser_of_the_bundled_weights_needs_no_tensorflow(kept, normaliser):
    assert run(PYTHON.replace("MADE", normaliser), PORTRAIT, env=kept) == "imported:"


@pytest.mark.parametrize(
    "arguments",
    [
        ["normalise", PORTRAIT, "--out", "out", "--front", "--mesh", "glb", "--table", "faces.csv"],
        ["fuse", PORTRAIT, "--out", "out"],
        ["video", "video.mp4", "--out", "out"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_needs_no_tensorflow(kept, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "video":
        write_video(tmp_path / "video.mp4", moving_portrait(3))
    assert run(COMMAND, *arguments, env=kept) == "imported:"
    assert any((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_processes_that_start_at_once_make_the_same(small, tmp_path, photograph):
    code = (
        "import sys\nfrom keras_3dmmstn import Normaliser\n"
        "face, = Normaliser.load(sys.argv[1])(sys.argv[2], [[20.0, 20.0, 60.0, 60.0]])\n"
        "print(face.points.tolist())\n"
    )
    command = [sys.executable, "-c", code, small, photograph]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate()[0] for process in processes]
    answers.append(run(code + "assert 'tensorflow' not in sys.modules\n", small, photograph))
    assert [process.returncode for process in processes] == [0, 0]
    one, other, later = (json.loads(answer.strip().splitlines()[-1]) for answer in answers)
    assert one == other == later
    assert len(list((tmp_path / "cache").iterdir())) == 3


def points_and_imports(normaliser, photograph):
    (face,) = normaliser(photograph, BOX)
    return face.points, "tensorflow" in sys.modules


def test_a_spawned_process_is_given_the_compiled_models(small, photograph):
    Normaliser.load(small)
    normaliser = Normaliser.load(small)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        points, _ = pool.submit(points_and_imports, normaliser, photograph).result()
    np.testing.assert_array_equal(points, points_and_imports(normaliser, photograph)[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_process_that_is_forked_after_litert_alone_was_used_works(small, photograph):
    Normaliser.load(small)
    code = (
        "import multiprocessing, sys\nfrom keras_3dmmstn import Normaliser\n"
        "normaliser = Normaliser.load(sys.argv[1])\n"
        "def points(_):\n"
        "    return normaliser(sys.argv[2], 3 * [[20.0, 20.0, 60.0, 60.0]])[2].points.tolist()\n"
        "expected = points(0)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    assert pool.map(points, range(3)) == 3 * [expected]\n" + SAY
    )
    assert run(code, small, photograph) == "imported:"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that fork")
def test_a_process_that_is_forked_after_the_localiser_was_read_says_so(small, photograph):
    Normaliser.load(small)
    code = (
        "import multiprocessing, sys\nfrom keras_3dmmstn import Normaliser\n"
        "normaliser = Normaliser.load(sys.argv[1])\nnormaliser.localiser\n"
        "def message(_):\n"
        "    try:\n"
        "        normaliser(sys.argv[2], [[20.0, 20.0, 60.0, 60.0]])\n"
        "    except RuntimeError as error:\n"
        "        return str(error)\n"
        "with multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    print(pool.map(message, [0])[0])\n"
    )
    assert "was forked from" in run(code, small, photograph)
