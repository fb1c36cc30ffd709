"""A head as it is published, and the grid model that `build` makes of it."""

import pytest

from tests.support.command_line import run
from tests.support.face_meshes import toy_face, with_eyeballs, with_holes, without_symmetry


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A head with holes, eyeballs and no symmetry, as a file."""
    path = tmp_path_factory.mktemp("models") / "head.npz"
    with_eyeballs(with_holes(without_symmetry(toy_face()))).save(path)
    return path


@pytest.fixture(scope="module")
def model(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("built") / "model.npz"
    result = run("face-model", "build", source, "--kind", "npz", "--grid", 48, "--out", path)
    assert result.exit_code == 0, result.output
    return path
