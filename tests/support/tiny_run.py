"""A training run of seconds: random photographs, a toy face, VGG-Face of few channels.

As a script, `tiny_run.py FOLDER`, it kills itself while it writes a checkpoint.
"""

import csv
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.training import checkpoint, epoch_trainer
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.train import train
from tests.support.vgg_face_mat import small_layers, write_mat

#: Where a run can end before its time: after the second epoch, or when the last one is logged.
ENDS = ("in a checkpoint", "between renames", "before the log")


def write_faces(folder, count=12, people=None):
    """Writes photographs of noise with 68 points, as `landmarks.csv` with `images/`.

    They are of so many people, one after the other; by default each of another one.
    """
    rng = np.random.default_rng(1)
    (folder / "images").mkdir(parents=True)
    columns = [f"{axis}{number}" for number in range(68) for axis in "xy"]
    with (folder / "landmarks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "subject", *columns])
        for number in range(count):
            name = f"{number}.png"
            image = rng.integers(0, 256, (60, 60, 3), np.uint8)
            cv2.imwrite(str(folder / "images" / name), image)
            writer.writerow(
                [name, f"person {number % (people or count)}", *rng.uniform(15, 45, 136).round(2)]
            )
    return folder


def tiny_config(folder):
    """The paper's recipe in small, with everything on that a run has to remember."""
    pretrained = folder / "vgg-face.mat"
    if not pretrained.exists():
        write_mat(pretrained, small_layers(np.random.default_rng(2), fc6_side=1))
    return replace(
        TrainingConfig(),
        pretrained=str(pretrained),
        image_size=32,
        batch_size=2,
        epochs=4,
        # Fast enough that a wrong step shows, small enough that nothing explodes.
        learning_rate=2e-7,
        schedule="cosine",
        ema_momentum=0.9,
        checkpoint_steps=4,
        seed=5,
        # What a run does is the same without XLA, and sooner.
        jit_compile="off",
        visibility="normals",
    )


def run(folder, out, start=None, report=print, step_progress=None, **changes):
    """Runs the training in `folder / out`; `changes` are settings."""
    if not (folder / "faces").exists():
        write_faces(folder / "faces")
        write_faces(folder / "validation", 2)
    config = replace(tiny_config(folder), **changes)
    return train(
        [folder / "faces"],
        folder / out,
        [folder / "validation"],
        toy_grid_model((16, 16)),
        config,
        start,
        report=report,
        step_progress=step_progress,
    )


def arrange_an_end(where, patch, end):
    """Makes a run call `end` at one of `ENDS`; `patch` is a `pytest.MonkeyPatch`."""
    if where == "in a checkpoint":
        whole = np.savez

        def savez(file, **arrays):
            if '"epoch": 2, "step": 0' in str(arrays["progress"]):
                file.write(b"PK\x03\x04 half of an archive")
                file.flush()
                end()
            whole(file, **arrays)

        patch.setattr(checkpoint.np, "savez", savez)
    elif where == "between renames":
        rename = Path.replace

        def replace_once(self, target):
            rename(self, target)
            if Path(target).name == "checkpoint.previous.npz":
                end()

        patch.setattr(Path, "replace", replace_once)
    elif where == "before the log":
        write = epoch_trainer.write_log
        patch.setattr(
            epoch_trainer,
            "write_log",
            lambda folder, history: end() if len(history) == 4 else write(folder, history),
        )


if __name__ == "__main__":
    arrange_an_end(ENDS[0], pytest.MonkeyPatch(), lambda: os.kill(os.getpid(), signal.SIGKILL))
    run(Path(sys.argv[1]), "broken")
