"""`keras-3dmmstn train`, run as a user runs it."""

import json
import re
from dataclasses import replace

import pytest
from rich.console import Console

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training.config_file import load_config, save_config
from keras_3dmmstn.training.recipes import recipe
from tests.support.command_line import run
from tests.support.tiny_run import tiny_config, write_faces


@pytest.fixture
def files(tmp_path):
    """Photographs, a toy face and a config of seconds in a folder."""
    write_faces(tmp_path / "faces", 4)
    toy_grid_model((16, 16)).save(tmp_path / "face.npz")
    save_config(replace(tiny_config(tmp_path), epochs=1), tmp_path / "tiny.toml")
    return tmp_path


def train(files, *arguments, folder="faces"):
    face_model = files / "face.npz"
    return run(
        *("train", files / folder, "--out", files / "run", "--face-model", face_model, *arguments)
    )


def flat(result):
    return result.output.replace("\n", " ")


@pytest.mark.slow
def test_train_writes_a_folder_that_the_normaliser_loads_and_says_that_it_is_finished(files):
    arguments = ("--config", files / "tiny.toml", "--validation", files / "faces", "--seed", 3)
    arguments += ("--set", "shape_prior=0.5", "--set", "epochs=2", "--set", "jit_compile=auto")
    result = train(files, *arguments)
    assert result.exit_code == 0, result.output
    assert re.search(r"recipe: \S+tiny\.toml with shape_prior=0\.5, epochs=2, ", flat(result))
    assert "epoch 2/2" in result.output and "val_pixels" in result.output
    config = load_config(files / "run" / "config.toml")
    assert (config.shape_prior, config.epochs, config.seed) == (0.5, 2, 3)
    assert Normaliser.load(files / "run").image_size == 32

    result = train(files, *arguments)
    assert result.exit_code == 0 and "run is finished: 2 epochs are done" in flat(result)
    assert len(json.loads((files / "run" / "run.json").read_text())["starts"]) == 2

    result = train(files, *arguments, "--seed", 4)
    assert result.exit_code == 1 and "seed: 3 → 4" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "epochs"], "Expected a setting as name=value, received 'epochs'"),
        (["--set", "eposch=3"], "received eposch"),
        (["--set", "epochs=many"], "`epochs` to be of type int, received 'many'"),
        (["--recipe", "fast"], "recipe among paper, compact, base, received 'fast'"),
        (["--recipe", "paper", "--config", "x.toml"], "Use --recipe or --config, not both"),
        (["--config", "missing.toml"], "missing.toml"),
        (["--batch-size", "0"], "`batch_size` to be within 1 to 1e+09, received 0"),
        (["--weight", "1", "--weight", "2"], "a weight for each of 1 data sets"),
        (["--set", "batch_size=5"], "at least one batch of 5 faces, received 4"),
        (["--set", "batch_size=2", "--start", "no.keras"], "there is no file no.keras"),
        (["--recipe", "paper", "--set", "batch_size=2"], "there is no vgg-face.mat"),
    ],
)
def test_what_is_wrong_is_named(arguments, message, files):
    result = train(files, *arguments)
    assert result.exit_code == 1 and message in flat(result), result.output
    assert not (files / "run" / "localiser.keras").exists()


def test_a_file_in_the_place_of_the_folder_is_named(files):
    (files / "run").touch()
    result = train(files, "--config", files / "tiny.toml")
    assert result.exit_code == 1
    assert "run: expected a folder, but a file is there." in flat(result)


def test_a_face_model_without_all_landmarks_is_refused_with_what_to_do(files):
    face = toy_grid_model((16, 16))
    replace(face, landmarks={"ibug68": face.landmarks["ibug68"]}).save(files / "face.npz")
    result = train(files)
    assert result.exit_code == 1 and not (files / "run").exists()
    message = "the landmark sets ibug68 and aflw21, this one has ibug68. Build it with "
    assert message + "`face-model build --landmarks-from bundled`" in flat(result)


def test_a_folder_without_labels_is_named(files):
    (files / "empty").mkdir()
    result = train(files, folder="empty")
    assert result.exit_code == 1 and "found none of them" in flat(result)


def test_the_recipe_is_said_and_compact_by_default(files, monkeypatch):
    received = []
    monkeypatch.setattr(
        "keras_3dmmstn.training.train.train", lambda *args, **options: received.append(args[4])
    )
    for arguments, said, expected in [
        ((), "recipe: compact", recipe("compact")),
        (("--recipe", "paper"), "recipe: paper", recipe("paper")),
        (
            ("--learning-rate", "0.5"),
            "recipe: compact with learning_rate=0.5",
            replace(recipe("compact"), learning_rate=0.5),
        ),
    ]:
        result = train(files, *arguments)
        assert result.exit_code == 0 and result.output.splitlines()[0] == said
        assert received.pop() == expected


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (
            KeyboardInterrupt(),
            130,
            "Stopped. Repeat the command to continue after the last checkpoint.",
        ),
        (MemoryError("Unable to allocate 9 GiB"), 1, "Unable to allocate 9 GiB"),
        (OSError(28, "No space left on device", "run/log.csv"), 1, "No space left on device"),
    ],
)
def test_what_ends_a_run_is_said_without_a_traceback(error, status, message, files, monkeypatch):
    def ends(*args, **options):
        raise error

    monkeypatch.setattr("keras_3dmmstn.training.train.train", ends)
    result = train(files)
    assert result.exit_code == status and message in flat(result)


def test_steps_are_shown_on_a_terminal_only(files, monkeypatch):
    received, shown = [], []
    monkeypatch.setattr(
        "keras_3dmmstn.training.train.train", lambda *_, **options: received.append(options)
    )
    monkeypatch.setattr(
        "keras_3dmmstn.cli.training_progress.TrainingProgress.step",
        lambda _, done: shown.append(done),
    )
    train(files)
    received[0]["step_progress"]("a step")
    assert not shown
    monkeypatch.setattr(terminal, "errors", Console(stderr=True, force_terminal=True))
    train(files)
    received[1]["step_progress"]("a step")
    assert shown == ["a step"]
