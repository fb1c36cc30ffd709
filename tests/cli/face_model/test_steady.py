"""`keras-3dmmstn face-model steady`, run as a user runs it."""

from dataclasses import replace

import numpy as np

from keras_3dmmstn import GridModel
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.command_line import assert_fails, run


def steady(*arguments):
    return run("face-model", "steady", *arguments)


def test_writes_a_face_model_between_the_two(model, tmp_path, rng):
    given = GridModel.load(model)
    moved = rng.normal(size=given.basis.shape).astype(np.float32)
    learnt, out = tmp_path / "learnt.npz", tmp_path / "steady.npz"
    replace(given, basis=given.basis + moved).save(learnt)
    result = steady(learnt, "--given", model, "--out", out, "--noise", 1)
    assert result.exit_code == 0, result.output
    kept = GridModel.load(out).basis - given.basis
    assert 0 < np.linalg.norm(kept) < np.linalg.norm(moved)
    assert "modes learnt: moved by" in result.output and str(out) in result.output


def test_a_face_model_without_modes_is_written_as_it_is(model, tmp_path):
    given, out = GridModel.load(model), tmp_path / "out.npz"
    bare = tmp_path / "bare.npz"
    replace(given, basis=given.basis[:0], identity_count=0, expression_units={}).save(bare)
    result = steady(bare, "--given", bare, "--out", out)
    assert result.exit_code == 0, result.output
    assert GridModel.load(out).modes == 0


def test_what_a_run_began_with_has_to_be_named(model, tmp_path):
    result = steady(model, "--out", tmp_path / "out.npz")
    assert result.exit_code == 2 and "--given" in result.output


def test_refuses_a_face_model_of_another_size(model, tmp_path):
    other, out = tmp_path / "other.npz", tmp_path / "out.npz"
    toy_grid_model((14, 12)).save(other)
    assert_fails(steady(other, "--given", model, "--out", out), "expects two face models of one")
    assert not out.exists()


def test_refuses_what_is_no_face_model(model, tmp_path):
    missing = tmp_path / "missing.npz"
    assert_fails(steady(missing, "--given", model, "--out", tmp_path / "out.npz"), "missing.npz")


def test_refuses_a_name_that_would_get_another_ending(model, tmp_path):
    result = steady(model, "--given", model, "--out", tmp_path / "steady")
    assert_fails(result, "--out expects a name that ends in .npz, received", "steady.")
    assert not list(tmp_path.iterdir())
