"""`keras-3dmmstn face-model steady`: a learnt face model without its random changes."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import OutModel, load_face_model

Learnt = Annotated[Path, typer.Argument(help="Grid model (.npz) of a run that trained it.")]
Given = Annotated[
    Path, typer.Option(help="Grid model (.npz) that the run started from, or `bundled`.")
]
Noise = Annotated[
    float,
    typer.Option(min=0, max=100, help="How far modes moved that photographs hardly constrain, mm."),
]


def steady(learnt: Learnt, out: OutModel, given: Given, noise: Noise = 0.45) -> None:
    """Keep a trained face model close to its original modes and named expressions.

    Training moves all modes, even those that photographs hardly constrain. Train a network with the
    result for some epochs: `keras-3dmmstn train --face-model OUT --start RUN/localiser.keras`.
    """
    import numpy as np

    before, after = load_face_model(given), load_face_model(learnt)
    with terminal.failing_on(OSError, ValueError):
        from keras_3dmmstn.network.steadying import steadied_grid_model

        steadied = steadied_grid_model(after, before, noise)
        steadied.save(out)
    for name, model in (("learnt", after), ("kept", steadied)):
        moved = np.linalg.norm(model.basis - before.basis, axis=-1).mean(axis=-1)
        if len(moved):
            mean, most = moved.mean(), moved.max()
            terminal.tell(f"modes {name}: moved by {mean:.2f} mm, at most {most:.2f} mm")
    terminal.tell(out)
