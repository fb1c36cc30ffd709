"""Training runs: what they leave, and that a killed one ends as an unbroken one does."""

import csv
import errno
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from keras_3dmmstn.inference.camera import Camera
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.training import checkpoint
from keras_3dmmstn.training.config_file import load_config, save_config
from keras_3dmmstn.training.data.conversion import convert
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.network import build_network, build_trainer, learnt_face_model
from keras_3dmmstn.training.train import _report_epochs, train
from tests.support import tiny_run
from tests.support.event_files import events
from tests.support.paths import ROOT
from tests.support.tiny_run import arrange_an_end, run, tiny_config, write_faces


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the run `unbroken`."""
    folder = tmp_path_factory.mktemp("runs")
    run(folder, "unbroken")
    return folder


class Killed(BaseException):
    """Ends a run where it stands: nothing catches it."""


def killed():
    raise Killed


def full_disk():
    raise OSError(errno.ENOSPC, "No space left on device")


def rows(path):
    """The rows of a log without the time that they took."""
    logged = list(csv.DictReader(path.read_text().splitlines()))
    return [{name: float(v) for name, v in row.items() if name != "seconds"} for row in logged]


@pytest.mark.slow
def test_a_run_leaves_its_result_and_how_it_came_about(folder):
    out = folder / "unbroken"
    normaliser = Normaliser.load(out)
    assert normaliser.image_size == 32 and normaliser.grid_model.grid_shape == (16, 16)
    assert normaliser.camera == Camera()
    assert load_config(out / "config.toml") == tiny_config(folder)
    logged = rows(out / "log.csv")
    assert [row["epoch"] for row in logged] == [1, 2, 3, 4]
    assert logged[-1]["pixels"] < logged[0]["pixels"]
    assert {"loss", "pixels", "symmetry", "mirror_pairs", "shape_prior", "val_pixels"} <= set(
        logged[0]
    )
    found = events(out / "events")
    assert [step for step, _, _ in found["val_pixels"]] == [1, 2, 3, 4]
    pictures = [tag for tag, entries in found.items() if entries[0][1] == "images"]
    assert len(pictures) == 1 and len(found[pictures[0]]) == 4
    assert (out / "pipeline.jpg").stat().st_size > 1000


def broken_off(folder, where, end, error, message=None):
    """Goes on with the run `broken` until it ends before its time."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(error, match=message):
        arrange_an_end(where, patch, end)
        run(folder, "broken")
    assert not list((folder / "broken").glob(".*")) or error is Killed


@pytest.mark.slow
def test_a_run_that_was_broken_off_again_and_again_ends_as_an_unbroken_one(folder):
    # A process is killed once. Then what counts is what lies in the folder when a run ends.
    script = [sys.executable, tiny_run.__file__, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(script, capture_output=True, env=environment)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]
    broken_off(folder, "between renames", killed, Killed)
    message = r"checkpoint before it stays.*No space left.*checkpoint\.npz"
    broken_off(folder, "in a checkpoint", full_disk, OSError, message)
    broken_off(folder, "before the log", killed, Killed)
    assert len(rows(folder / "broken" / "log.csv")) == 3
    run(folder, "broken")

    assert rows(folder / "broken" / "log.csv") == [
        pytest.approx(row, rel=1e-6) for row in rows(folder / "unbroken" / "log.csv")
    ]
    for name in ("localiser.keras", "checkpoint.npz"):
        expected, received = (_arrays(folder / out / name) for out in ("unbroken", "broken"))
        for one, other in zip(expected, received, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-9)


def _arrays(path):
    """The weights of a localiser, or the state in a checkpoint."""
    if path.suffix == ".keras":
        return keras.models.load_model(path, compile=False).get_weights()
    with np.load(path) as archive:
        return [archive[name] for name in archive.files if name != "progress"]


@pytest.mark.slow
def test_a_run_trains_on_pairs_of_people(tmp_path):
    write_faces(tmp_path / "faces", 12, people=5)
    write_faces(tmp_path / "validation", 2)  # nobody has two: pairs are not measured
    weights = {"identity_pairs": 1e-4, "tied_identity": 1e-3, "symmetry": 0.0, "mirror_pairs": 0.0}
    (row,) = run(tmp_path, "pairs", epochs=1, augmentation=True, **weights)
    assert row["identity_pairs"] > 0 and row["tied_identity"] >= 0 and row["val_pixels"] > 0
    assert not {"mirror_pairs", "val_identity_pairs", "val_tied_identity"} & set(row)


def test_a_run_on_pairs_is_refused_where_nobody_has_two_photographs(tmp_path):
    with pytest.raises(ValueError, match=r"one person with two photographs .* 12 known"):
        run(tmp_path, "alone", tied_identity=1e-3)


@pytest.mark.slow
def test_the_saved_weights_are_the_average(folder):
    config = tiny_config(folder)
    face = tiny_run.toy_grid_model((16, 16))
    trainer = build_trainer(build_network(config, face), config, 6 * 4)
    checkpoint.restore_checkpoint(folder / "unbroken", trainer)
    localiser = trainer.model.get_layer("localiser")
    trained = localiser.get_weights()
    trainer.optimizer.finalize_variable_values(trainer.trainable_variables)
    saved = _arrays(folder / "unbroken" / "localiser.keras")
    for average, value in zip(localiser.get_weights(), saved, strict=True):
        np.testing.assert_array_equal(value, average)
    assert any((a != b).any() for a, b in zip(trained, saved, strict=True))


@pytest.mark.slow
def test_a_complete_run_is_not_trained_further(folder, caplog):
    before = (folder / "unbroken" / "localiser.keras").read_bytes()
    said, steps = [], []
    with caplog.at_level("INFO", "keras_3dmmstn"):
        history = run(folder, "unbroken", report=said.append, step_progress=steps.append)
    assert "float32, steps as graphs of TensorFlow" in caplog.text and "CPU:0" in caplog.text
    assert "numbers to train on 12 faces: 4 epochs of " in caplog.text
    assert len(history) == 4
    (line,) = said
    assert line.startswith(f"The run in {folder / 'unbroken'} is finished: 4 epochs are done.")
    assert not steps
    assert (folder / "unbroken" / "localiser.keras").read_bytes() == before


@pytest.mark.slow
def test_another_run_in_the_folder_is_refused(folder):
    with pytest.raises(ValueError, match=r"settings or inputs: seed: 5 → 6\. Use another folder"):
        run(folder, "unbroken", epochs=5, seed=6)


@pytest.mark.slow
def test_fewer_epochs_than_are_done_are_refused(folder):
    with pytest.raises(ValueError, match=r"has 4 complete epochs, received epochs = 3\. Give 4"):
        run(folder, "unbroken", epochs=3)
    assert load_config(folder / "unbroken" / "config.toml") == tiny_config(folder)


@pytest.mark.slow
def test_a_finished_run_goes_on_when_epochs_are_raised(folder):
    config = {"schedule": "constant", "symmetry": 0.0, "mirror_pairs": 0.0}
    run(folder, "whole", epochs=2, **config)
    run(folder, "raised", epochs=1, **config)
    said, steps = [], []
    watched = {"report": said.append, "step_progress": steps.append}
    history = run(folder, "raised", epochs=2, **watched, **config)
    assert len(history) == 2 and load_config(folder / "raised" / "config.toml").epochs == 2
    assert said[:2] == ["epochs raised: 1 → 2.", "continues after epoch 1 (step 0 of 6)"]
    assert [(s.epoch, s.epochs, s.step, s.steps) for s in steps] == [
        (2, 2, step, 6) for step in range(1, 7)
    ]
    assert steps[-1].loss == pytest.approx(history[1]["loss"])
    # With a constant rate nothing tells it from a run that was begun with as many.
    for expected, received in zip(
        *(_arrays(folder / out / "checkpoint.npz") for out in ("whole", "raised")), strict=True
    ):
        np.testing.assert_allclose(received, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": 4}, []),
        ({"schedule": "constant"}, ["epochs raised: 4 → 6."]),
        (
            {"schedule": "constant", "warm_up": 0.1},
            ["epochs raised: 4 → 6. The learning rate now follows the schedule of 6 epochs."],
        ),
        (
            {},
            [
                "epochs raised: 4 → 6. The learning rate now follows the schedule of 6 epochs "
                "(cosine: it rises again)."
            ],
        ),
        (
            {"epochs": 3},
            ["epochs lowered: 4 → 3. The learning rate now follows the schedule of 3 epochs."],
        ),
    ],
)
def test_another_number_of_epochs_is_said_with_what_it_does_to_the_rate(changes, said, tmp_path):
    lines = []
    _report_epochs(4, replace(tiny_config(tmp_path), **{"epochs": 6, **changes}), lines.append)
    assert lines == said


@pytest.mark.slow
def test_a_loss_that_is_not_finite_ends_the_run_with_the_last_good_weights(folder):
    # The run, had it been meant to go on with steps that are far too large.
    shutil.copytree(folder / "unbroken", folder / "diverging")
    good = _arrays(folder / "diverging" / "localiser.keras")
    config = load_config(folder / "diverging" / "config.toml")
    changes = {"epochs": 8, "learning_rate": 1e3}
    save_config(replace(config, **changes), folder / "diverging" / "config.toml")
    with pytest.raises(FloatingPointError, match=r"The loss became (nan|inf) in step \d of epoch"):
        run(folder, "diverging", **changes)
    for weight in _arrays(folder / "diverging" / "localiser.keras"):
        assert np.isfinite(weight).all()
    for before, after in zip(good, _arrays(folder / "diverging" / "localiser.keras"), strict=True):
        np.testing.assert_array_equal(after, before)
    assert len(rows(folder / "diverging" / "log.csv")) == 4


@pytest.mark.slow
def test_files_of_weights_that_do_not_fit_leave_the_folder_to_another_run(folder):
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    other.save(folder / "other.keras")
    for changes, error, message in (
        ({"start": folder / "missing.keras"}, FileNotFoundError, "there is no file .*missing"),
        ({"start": folder}, FileNotFoundError, "there is no file"),
        ({"start": folder / "other.keras"}, ValueError, r"other\.keras: .* of the architecture"),
        ({"pretrained": str(folder / "missing.mat")}, FileNotFoundError, r"no .*missing\.mat"),
    ):
        with pytest.raises(error, match=message):
            run(folder, "not begun", **changes)
        assert not (folder / "not begun").exists()


@pytest.mark.slow
def test_a_damaged_shard_is_named(folder):
    shards = convert(read_faces(folder / "faces"), folder / "shards", image_format="png")
    content = bytearray(shards.files[0].read_bytes())
    content[5000] ^= 1
    shards.files[0].write_bytes(content)
    with pytest.raises(ValueError, match=r"faces-00000\.tfrecord: expected 12 face crops"):
        train(
            [folder / "shards"],
            folder / "of shards",
            (),
            tiny_run.toy_grid_model((16, 16)),
            tiny_config(folder),
        )


@pytest.mark.slow
def test_a_validation_photograph_that_is_skipped_is_named(folder):
    shutil.copytree(folder / "faces", folder / "others")
    (folder / "others" / "images" / "3.png").unlink()
    said = []
    with pytest.raises(ValueError, match="at least one batch of 99 faces, received 12 faces"):
        train(
            [folder / "faces"],
            folder / "not begun",
            [folder / "others"],
            tiny_run.toy_grid_model((16, 16)),
            replace(tiny_config(folder), batch_size=99),
            report=said.append,
        )
    (line,) = said
    assert "skipped: " in line and "3.png" in line


@pytest.mark.slow
def test_a_run_that_learns_the_face_model_saves_it_and_goes_on_with_it(tmp_path):
    settings = {"face_model_rate": 1e-3, "symmetry": 0.0, "mirror_pairs": 0.0}
    run(tmp_path, "unbroken", **settings)
    given = tiny_run.toy_grid_model((16, 16))
    learnt = Normaliser.load(tmp_path / "unbroken").grid_model
    moved = np.abs(learnt.mean - given.mean)
    assert 0.01 < moved.max() < 20
    np.testing.assert_allclose(learnt.mean[learnt.mirror] * [-1, 1, 1], learnt.mean, atol=1e-4)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        arrange_an_end("between renames", patch, killed)
        run(tmp_path, "broken", **settings)
    half = Normaliser.load(tmp_path / "broken").grid_model
    assert np.abs(half.mean - given.mean).max() > 0 and (half.mean != learnt.mean).any()
    run(tmp_path, "broken", **settings)
    again = Normaliser.load(tmp_path / "broken").grid_model
    np.testing.assert_allclose(again.mean, learnt.mean, atol=1e-5)
    np.testing.assert_allclose(again.basis, learnt.basis, atol=1e-3)


def test_a_face_model_does_not_learn_unless_it_is_told_to(tmp_path):
    config, face = tiny_config(tmp_path), tiny_run.toy_grid_model((16, 16))
    model = build_network(config, face)
    assert not model.get_layer("morphable_model").trainable_weights
    assert learnt_face_model(config, model, face) is face
