"""Writing results: what is in the files, and what an interruption leaves."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.drawing.results import writing
from keras_3dmmstn.drawing.results.files import ResultFiles, remove_unfinished_results
from tests.support.command_line import names
from tests.support.faces_with_labels import normaliser_that_says
from tests.support.paths import ROOT

MESHES = {"kinds": ("glb", "obj", "ply", "npz")}
IMAGE = np.full((100, 120, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def faces():
    return normaliser_that_says()(IMAGE, [[20, 20, 80, 80], [40, 20, 90, 70]])


@pytest.fixture
def files(tmp_path):
    return ResultFiles(tmp_path, "x", "../x.png")


def test_the_files_are_those_that_are_returned(files, faces, tmp_path):
    written = writing.write_results(files, IMAGE, faces, {"size": 32})
    assert sorted(path.name for path in written) == names(tmp_path)
    ends = ("_texture.png", "_mask.png", "_front.png", ".json")
    expected = [f"x_{number}{end}" for number in range(2) for end in ends]
    assert [path.name for path in written] == [*expected, "x_overlay.jpg"]


def test_meshes_are_among_the_files_of_a_face(files, faces, tmp_path):
    written = writing.write_results(files, IMAGE, faces[:1], overlay=False, meshes=MESHES)
    assert sorted(path.name for path in written) == names(tmp_path)
    ends = ["_texture.png", "_mask.png", ".glb", ".obj", ".mtl", ".ply", ".npz", ".json"]
    assert [path.name for path in written] == [f"x_0{end}" for end in ends]
    assert "mtllib x_0.mtl" in (tmp_path / "x_0.obj").read_text()
    # The texture of the OBJ is the one that is there anyway.
    assert "map_Kd x_0_texture.png" in (tmp_path / "x_0.mtl").read_text()


def test_meshes_of_a_former_run_are_replaced_or_removed(files, faces, tmp_path):
    writing.write_results(files, IMAGE, faces, overlay=False, meshes=MESHES)
    former = (tmp_path / "x_0.ply").read_bytes()
    meshes = {"kinds": ("ply",), "frame": "camera"}
    writing.write_results(files, IMAGE, faces[:1], overlay=False, meshes=meshes)
    assert names(tmp_path) == ["x_0.json", "x_0.ply", "x_0_mask.png", "x_0_texture.png"]
    assert (tmp_path / "x_0.ply").read_bytes() != former
    writing.write_results(files, IMAGE, faces[:1], overlay=False)
    assert "x_0.ply" not in names(tmp_path)


def test_a_mesh_of_someone_else_is_not_written_over(files, faces, tmp_path):
    (tmp_path / "x_1.obj").write_text("mine")
    with pytest.raises(FileExistsError, match=r"x_1\.obj"):
        writing.write_results(files, IMAGE, faces, meshes=MESHES)
    assert names(tmp_path) == ["x_1.obj"]


def test_a_run_without_a_picture_removes_the_one_that_was_there(files, faces, tmp_path):
    writing.write_results(files, IMAGE, faces, {"size": 32})
    writing.write_results(files, IMAGE, faces[:1], None, overlay=False)
    assert names(tmp_path) == ["x_0.json", "x_0_mask.png", "x_0_texture.png"]
    assert writing.write_results(files, IMAGE, []) == []
    assert names(tmp_path) == []


def test_json_has_the_spread_of_a_face_or_null(files, faces):
    spread = np.linspace(0.01, 0.3, 68, dtype=np.float32)
    knowing = [replace(faces[0], spread=spread), faces[1]]
    writing.write_results(files, IMAGE, knowing, overlay=False)
    first, second = (
        json.loads((files.folder / f"x_{number}.json").read_text()) for number in range(2)
    )
    np.testing.assert_allclose(first["spread"], spread, atol=5e-5)
    assert second["spread"] is None


def test_json_has_an_item_on_each_line(files, faces):
    writing.write_results(files, IMAGE, faces)
    lines = files.description(1).read_text().splitlines()
    assert (lines[0], lines[-1]) == ("{", "}")
    items = json.loads("\n".join(lines))
    assert len(lines) == len(items) + 2
    assert items["box"] == [40, 20, 90, 70] and items["source"] == "../x.png"


def test_nothing_is_changed_where_something_cannot_be_written(files, faces, tmp_path, monkeypatch):
    writing.write_results(files, IMAGE, faces[:1])
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    write = Path.write_bytes

    def full(path, content):
        if "x_0_texture" in path.name:
            raise OSError(28, "No space left on device")
        write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OSError, match="No space left") as caught:
            writing.write_results(files, IMAGE, faces)
    assert caught.value.filename == str(files.texture(0))
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_results_of_one_who_was_faster_are_kept(files, faces, tmp_path, monkeypatch):
    """Another process writes results of the same name between the look and the move."""

    def slow_destination(path, **options):
        if path == files.description(0):
            path.write_text('{"source": "../faster.png"}')
        return atomic_destination(path, **options)

    monkeypatch.setattr(writing, "atomic_destination", slow_destination)
    with pytest.raises(FileExistsError):
        writing.write_results(files, IMAGE, faces)
    assert names(tmp_path) == ["x_0.json"]
    assert json.loads(files.description(0).read_text()) == {"source": "../faster.png"}


KILLED = """
    import os, signal, sys
    from pathlib import Path
    import numpy as np
    from keras_3dmmstn.drawing.results import writing
    from keras_3dmmstn.drawing.results.files import ResultFiles
    from tests.support.faces_with_labels import normaliser_that_says

    folder, moves = Path(sys.argv[1]), int(sys.argv[2])
    image = np.full((100, 120, 3), 90, np.uint8)
    faces = normaliser_that_says()(image, [[20, 20, 80, 80], [40, 20, 90, 70]])
    move, done = Path.replace, 0
    link = os.link

    def counted(function):
        def moved(*arguments):
            global done
            if done == moves:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return function(*arguments)
        return moved

    Path.replace, os.link = counted(Path.replace), counted(os.link)
    files = ResultFiles(folder, "x", "../x.png")
    writing.write_results(files, image, faces, meshes={"kinds": ["obj"]})
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize("moves", [0, 1, 5])
def test_a_killed_run_leaves_whole_files_that_the_next_takes_for_its_own(
    moves, files, faces, tmp_path
):
    code = textwrap.dedent(KILLED)
    command = [sys.executable, "-c", code, str(tmp_path), str(moves)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == -signal.SIGKILL
    whole = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
    assert len(whole) == moves
    for path in whole:
        if path.suffix == ".json":
            assert json.loads(path.read_text())["source"] == "../x.png"
        elif path.suffix in (".obj", ".mtl"):
            assert path.read_bytes().endswith(b"\n")
        else:
            assert cv2.imread(str(path)) is not None
    remove_unfinished_results(tmp_path)
    written = writing.write_results(files, IMAGE, faces)
    assert names(tmp_path) == sorted(path.name for path in written)
