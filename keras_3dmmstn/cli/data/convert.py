"""`keras-3dmmstn data convert`: crops stored for training."""

import math
from pathlib import Path
from typing import Annotated

import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Anywhere, Folders, Subjects
from keras_3dmmstn.cli.progress import tracking

Out = Annotated[Path, typer.Option(help="Folder for the shards. Created if it does not exist.")]
Size = Annotated[
    int,
    typer.Option(
        min=16,
        help="Side of the stored crops, pixels: 1.5 times the network's input, so 336 for 224.",
    ),
]
ImageFormat = Annotated[
    str, typer.Option("--format", help="jpeg (quality 95) or png (lossless, 6 times the size).")
]
FacesPerShard = Annotated[int, typer.Option(min=1, help="Faces in each file.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed for the order of the faces.")]
HeldOut = Annotated[
    int | None,
    typer.Option(
        "--held-out",
        "--leave-out",
        min=2,
        help="Hold out one in N people or photographs, for `evaluate --held-out N`.",
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="Fill in those of the 68 points that are not labelled, from a fitted face model.",
    ),
]
Yaw = Annotated[
    float | None,
    typer.Option(
        min=0, max=100, help="With --complete: the approximate |yaw|, degrees; 85 for profiles."
    ),
]
Frontal = Annotated[
    bool,
    typer.Option(
        "--frontal",
        help="Also keep CFP's frontal photographs, which have no labels: for pairs of one person.",
    ),
]


def convert(
    folders: Folders,
    out: Out,
    size: Size = 192,
    image_format: ImageFormat = "jpeg",
    faces_per_shard: FacesPerShard = 512,
    seed: Seed = 0,
    held_out: HeldOut = None,
    subjects: Subjects = None,
    complete: Complete = False,
    yaw: Yaw = None,
    frontal: Frontal = False,
    anywhere: Anywhere = False,
) -> None:
    """Cut the faces out of their photographs once and store them in TFRecord shards.

    Missing and broken photographs are skipped and named. To continue a conversion that was
    stopped, repeat the command.
    """
    from keras_3dmmstn.training.data import labelled_faces
    from keras_3dmmstn.training.data.completion import completed
    from keras_3dmmstn.training.data.conversion import convert as run
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.subject_ranges import of_subjects

    bar = tracking("Converting")
    with terminal.failing_on(OSError, ValueError):
        faces = read_faces(folders, anywhere, frontal)
        if subjects is not None:
            faces = faces.choose(of_subjects(faces, subjects))
        if held_out:
            faces = faces.choose(~labelled_faces.held_out(faces, held_out))
        if complete:
            faces = completed(faces, None if yaw is None else math.radians(yaw))
        shards = run(faces, out, size, image_format, faces_per_shard, seed, bar)
    terminal.report_skipped(shards.skipped, "and {} more; index.json lists them all.")
    files = "1 shard" if len(shards.files) == 1 else f"{len(shards.files)} shards"
    terminal.tell(f"{out}: {len(shards)} faces in {files}, {len(shards.skipped)} skipped")
