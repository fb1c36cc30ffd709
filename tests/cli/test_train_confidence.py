"""`keras-3dmmstn train-confidence`, run as a user runs it."""

import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.command_line import assert_fails, run
from tests.support.face_folders import write_csv
from tests.support.small_network import small_normaliser


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    small_normaliser().save(folder)
    return folder


@pytest.fixture
def faces(tmp_path):
    return write_csv(tmp_path / "faces")


def test_weights_get_a_confidence_and_keep_their_fit(weights, faces, tmp_path, monkeypatch):
    # These weights fit nothing: whatever shows the face counts as right, and nothing else.
    module = "keras_3dmmstn.training.confidence.train_confidence"
    monkeypatch.setattr(f"{module}.LARGEST_ERROR", 100.0)
    out = tmp_path / "sure"
    options = ("--weights", weights, "--crops", 100, "--calibration", faces, "--out", out)
    result = run("train-confidence", faces, *options)
    assert result.exit_code == 0, result.output
    assert "trained on 100 crops" in result.output and "calibrated on 33 crops" in result.output
    assert result.output.count("confidence 0.9 to 1.0") == 2
    crops = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8)
    plain, sure = (Normaliser.load(folder).fit(crops) for folder in (weights, out))
    np.testing.assert_allclose(sure.parameters, plain.parameters, atol=1e-4)
    assert plain.confidence is None and plain.spread is None
    assert result.output.count("landmarks off by") == 20 and (sure.spread > 0).all()
    assert ((sure.confidence >= 0) & (sure.confidence <= 1)).all()


def test_photographs_with_21_points_teach_no_spread(weights, faces, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_3dmmstn.training.confidence.train_confidence.LARGEST_ERROR", 100.0)
    monkeypatch.setattr(
        "keras_3dmmstn.training.confidence.confidence_run.has_labels_of_all", lambda _: False
    )
    result = run(
        "train-confidence", faces, "--weights", weights, "--crops", 100, "--out", tmp_path / "sure"
    )
    assert result.exit_code == 0, result.output
    assert "no spread: it takes labels of all 68 landmarks" in result.output
    assert Normaliser.load(tmp_path / "sure").fit(np.zeros((1, 48, 48, 3), np.uint8)).spread is None


def test_weights_that_are_never_right_get_none(weights, faces, tmp_path):
    options = ("--weights", weights, "--crops", 100, "--out", tmp_path / "sure")
    result = run("train-confidence", faces, *options)
    assert_fails(result, "received 0 right ones of 100: there is nothing to tell apart")
    assert not list((tmp_path / "sure").glob("*.keras"))


def test_ctrl_c_says_how_it_goes_on(weights, faces, tmp_path, monkeypatch):
    def stopped(*arguments):
        raise KeyboardInterrupt

    module = "keras_3dmmstn.training.confidence.confidence_run"
    monkeypatch.setattr(f"{module}.add_confidence", stopped)
    out = tmp_path / "sure"
    result = run("train-confidence", faces, "--weights", weights, "--out", out)
    assert result.exit_code == 130
    assert result.output == "Stopped. Repeat the command to begin anew.\n"
    assert not list(out.glob("*"))


def test_a_folder_that_has_something_is_left_alone(weights, faces, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    result = run("train-confidence", faces, "--weights", weights, "--out", tmp_path / "out")
    assert_fails(result, "expected a new or empty folder")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
