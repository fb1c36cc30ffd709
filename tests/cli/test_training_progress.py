"""The progress of a training on a terminal."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from keras_3dmmstn.cli import progress, training_progress


@pytest.fixture
def screen(monkeypatch):
    """A terminal; returns a function to what it shows at the moment."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(progress, "errors", console)

    def shown(bar):
        bar._bar.refresh()
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
        return " ".join(text.replace("\r", "\n").splitlines()[-1].split())

    return shown


@pytest.fixture
def clock(monkeypatch):
    """A clock of training that stands still at `clock.now`."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(
        training_progress, "time", SimpleNamespace(monotonic=lambda: clock.now), raising=True
    )
    return clock


def step(epoch, step):
    return SimpleNamespace(
        epoch=epoch, epochs=3, step=step, steps=10, photographs_per_second=41.6, loss=0.12345
    )


def test_steps_show_loss_speed_and_the_time_that_is_left(screen, clock):
    with training_progress.training_progress() as bar:
        bar.step(step(1, 1))
        assert re.fullmatch(r"Epoch 1/3 \S+ 1/10 loss 0\.1235 42 photographs/s", screen(bar))
        # The second step takes 3 s: so do 28 more.
        clock.now += 3
        bar.step(step(1, 2))
        assert screen(bar).endswith("2/10 loss 0.1235 42 photographs/s 0:01:24 left")
        # 18 steps after the first in 54 s, with what lies between the epochs; 11 more.
        clock.now += 51
        bar.step(step(2, 9))
        assert screen(bar).startswith("Epoch 2/3") and screen(bar).endswith("0:00:33 left")
        bar.step(step(2, 10))
        assert screen(bar).startswith("Epoch 2/3, measuring and saving")


def test_a_run_that_goes_on_counts_from_where_it_does(screen, clock):
    with training_progress.training_progress() as bar:
        bar.step(step(3, 4))
        clock.now += 2
        bar.step(step(3, 5))
        assert screen(bar).endswith("0:00:10 left")


def test_reading_is_shown_and_then_the_preparation(screen):
    with training_progress.training_progress() as bar:
        faces = iter(bar.reading(["a", "b"]))
        assert [next(faces), next(faces)] == ["a", "b"]
        assert re.fullmatch(r"Reading photographs \S+ 1/2", screen(bar))
        assert list(faces) == []
        assert screen(bar).startswith("Preparing the first step")


def test_nothing_is_shown_where_there_is_no_terminal(capsys):
    with training_progress.training_progress() as bar:
        assert list(bar.reading(["a"])) == ["a"]
        bar.step(step(1, 1))
    assert capsys.readouterr() == ("", "")
