"""`keras-3dmmstn train-confidence`: how confident trained weights are of their result."""

from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Weights, load_normaliser
from keras_3dmmstn.cli.progress import tracking
from keras_3dmmstn.cli.stopping import end_stopped

Out = Annotated[
    Path, typer.Option(help="New folder for the weights with confidence and spread, for --weights.")
]
Calibration = Annotated[
    list[Path] | None,
    typer.Option(
        help="Labelled photographs that the weights were not trained on: the confidence is "
        "calibrated to the share of faces that are right there. Can be repeated."
    ),
]
Crops = Annotated[int, typer.Option(min=100, help="Crops to train on.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed for the crops and the new weights.")]


def train_confidence(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of labelled photographs: 300-W (.pts), landmarks.csv with images/ "
            "(also CFP's), AFLW (aflw.sqlite with flickr/), or shards from `data convert`."
        ),
    ],
    out: Out,
    weights: Weights = None,
    calibration: Calibration = None,
    crops: Crops = 12_000,
    seed: Seed = 0,
) -> None:
    """Train the network to estimate how reliable its own result is.

    The faces are misframed, hidden and removed at random. A second head, the confidence, learns on
    which of these crops the landmarks are right. A third, the spread, learns how far off each of
    the 68 landmarks is. The spread needs labels of all 68; without them the weights get no spread,
    and lose one that they had. The first head, and so the fit, does not change.
    """
    from keras_3dmmstn.folder_lock import LOCK_FILE, folder_in_use
    from keras_3dmmstn.training.cluster_place import refuse_workers
    from keras_3dmmstn.training.confidence.confidence_run import add_confidence

    with terminal.failing_on(ValueError):
        refuse_workers("train-confidence")
    try:
        with terminal.failing_on(OSError, ValueError), folder_in_use(out):
            if any(path.name != LOCK_FILE for path in out.iterdir()):
                raise ValueError(f"{out}: expected a new or empty folder, received one with files.")
            normaliser, track = load_normaliser(weights), tracking("Judging")
            run = add_confidence(normaliser, folders, calibration or (), crops, seed, track)
            run.normaliser.save(out)
    except KeyboardInterrupt:
        end_stopped("Stopped. Repeat the command to begin anew.")
    terminal.report_skipped(run.skipped)
    _print("trained on", run, run.trained_on)
    if run.calibrated_on is not None:
        _print("calibrated on", run, run.calibrated_on)
    terminal.tell(out)


def _print(name, run, judged):
    """Prints how well a run's confidence tells crops apart, and how reliable it is."""
    import numpy as np

    from keras_3dmmstn.training.confidence.reliability import (
        area_under_roc,
        reliability,
        spread_reliability,
    )
    from keras_3dmmstn.training.confidence.train_spread import FURTHEST, has_labels_of_all

    sure, faces = run.confidence(judged), judged.kinds != "faceless"
    plain = ~faces | (judged.kinds == "ordinary")
    terminal.tell(
        f"{name} {len(sure)} crops, {judged.right.mean():.0%} of them right: area under the ROC "
        f"{area_under_roc(sure[plain], faces[plain]):.4f} for faces, "
        f"{area_under_roc(sure[faces], judged.right[faces]):.4f} for right faces"
    )
    for row in reliability(sure, judged.right):
        share = f"{row.right:.0%} right" if row.count else ""
        terminal.tell(f"  confidence {row.low:.1f} to {row.high:.1f}: {row.count} crops {share}")
    spread = run.spread(judged)
    if spread is None:
        terminal.tell("  no spread: it takes labels of all 68 landmarks")
        return
    if not has_labels_of_all(judged):
        terminal.tell("  the spread is not calibrated: that takes labels of all 68 landmarks")
        return
    distances = judged.distances[:, : spread.shape[1]]
    for part in spread_reliability(spread, np.minimum(distances, FURTHEST)):
        terminal.tell(
            f"  spread {part.spread:.1%} of the face: {part.count} landmarks off by "
            f"{part.distance:.1%} on average"
        )
