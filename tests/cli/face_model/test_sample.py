"""`keras-3dmmstn face-model sample`, run as a user runs it."""

import builtins

import numpy as np
import pytest

from keras_3dmmstn import GridModel
from tests.support.command_line import assert_fails, run


def sample(*arguments):
    return run("face-model", "sample", *arguments)


def test_samples_are_random_faces_that_a_seed_repeats(model, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    for folder in ("a", "b"):
        result = sample(model, "--count", 2, "--seed", 3, "--out", tmp_path / folder)
        assert result.exit_code == 0, result.output
    first, second = sorted((tmp_path / "a").iterdir())
    assert first.read_bytes() == (tmp_path / "b" / first.name).read_bytes()
    assert first.read_bytes() != second.read_bytes()
    mesh = trimesh.load(first, force="mesh")
    grid = GridModel.load(model)
    assert len(mesh.vertices) == len(grid.mean)
    # Metres, y up, looking to +z: the nose is in front.
    nose = mesh.vertices[grid.landmarks["ibug68"][30]]
    assert nose[2] > np.median(mesh.vertices[:, 2]) and np.ptp(mesh.vertices[:, 1]) < 0.25
    assert mesh.vertices[grid.landmarks["ibug68"][8]][1] < nose[1]


def test_samples_without_trimesh_name_the_command(model, tmp_path, monkeypatch):
    real_import = builtins.__import__

    def without_trimesh(name, *arguments, **options):
        if name == "trimesh":
            raise ImportError(name)
        return real_import(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_trimesh)
    result = sample(model, "--out", tmp_path)
    assert_fails(result, 'pip install "keras-3dmmstn[viz]"')
