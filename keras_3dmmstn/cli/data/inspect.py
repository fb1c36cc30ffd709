"""`keras-3dmmstn data inspect`: what folders of labelled photographs contain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.options import Anywhere, Folders
from keras_3dmmstn.cli.progress import tracking

if TYPE_CHECKING:
    from keras_3dmmstn.training.data.skipped import Skipped

Picture = Annotated[
    Path | None,
    typer.Option(help="Image file to write: some of the cropped faces, with their labels."),
]
Count = Annotated[int, typer.Option(min=1, max=400, help="Faces in the picture.")]


def inspect(
    folders: Folders, picture: Picture = None, count: Count = 48, anywhere: Anywhere = False
) -> None:
    """Print what folders of labelled photographs or of shards contain.

    Faces whose photographs are missing, or whose labels cannot be read, are named instead of
    counted, and the exit status is 1. It is also 1 for shards with damaged records: every picture
    is decoded.
    """
    table = Table(box=box.SIMPLE)
    table.add_column("folder", overflow="fold")  # paths that begin alike must not be cut alike
    for name in ("faces", "photographs", "people", "points", "with pose"):
        table.add_column(name, no_wrap=True, justify="right")
    skipped: list[Skipped] = []
    for number, folder in enumerate(folders):
        with terminal.failing_on(OSError, ValueError):
            crops = _describe(table, folder, count if picture else 0, skipped, anywhere)
            if picture:
                _draw(crops, _numbered(picture, number, len(folders)))
    terminal.output.print(table)
    terminal.report_skipped(skipped, is_error=True)
    if skipped:
        terminal.fail(f"{len(skipped)} faces cannot be used and are not counted.")


def _describe(table, folder, count, skipped, anywhere):
    """Adds a folder's row to the table and returns some of its crops.

    Faces that cannot be used are appended to `skipped`.
    """
    import numpy as np

    from keras_3dmmstn.training.data.crops import cut_faces
    from keras_3dmmstn.training.data.faces import read_faces
    from keras_3dmmstn.training.data.shard_index import is_shards
    from keras_3dmmstn.training.data.shards import read_shards

    if is_shards(folder):
        shards = read_shards(folder)
        terminal.fail_on_faults(folder, list(shards.faults(tracking("Reading"))))
        left_out = f" ({len(shards.skipped)} skipped)" if shards.skipped else ""
        _add_row(table, folder, f"{len(shards)}{left_out}", "crops", shards.labels())
        return shards.load(count) if count else None
    faces = _with_photographs(read_faces(folder, anywhere))
    skipped += faces.skipped
    labels = faces.landmarks, faces.pose, faces.subjects
    _add_row(table, folder, str(len(faces)), str(len(set(faces.paths))), labels)
    if not count:
        return None
    chosen = np.linspace(0, len(faces) - 1, min(count, len(faces))).astype(int)
    return cut_faces(faces.choose(chosen), tracking("Cutting"))


def _add_row(table, folder, faces, photographs, labels):
    """Adds a folder's row: the number of faces and photographs, and what is labelled.

    Args:
        table: the table.
        folder, faces, photographs: the first cells of the row.
        labels: landmarks `(n, 89, 3)`, poses `(n, 3)` and subjects of the faces.
    """
    import numpy as np

    landmarks, pose, subjects = labels
    labelled = (landmarks[..., 2] > 0).sum(axis=1)
    table.add_row(
        escape(str(folder)),
        faces,
        photographs,
        str(len(set(subjects) - {""})),
        f"{labelled.min()} to {labelled.max()}",
        str(np.isfinite(pose).all(axis=1).sum()),
    )


def _with_photographs(faces):
    """Returns the faces whose photographs exist; the others are added to its `skipped`."""
    from dataclasses import replace

    from keras_3dmmstn.training.data.skipped import Skipped, nothing_left

    there = [path.is_file() for path in faces.paths]
    skipped = faces.skipped + tuple(
        Skipped(name, f"{path}: no such file")
        for name, path, is_there in zip(faces.names, faces.paths, there, strict=True)
        if not is_there
    )
    if not any(there):
        raise nothing_left(skipped)
    return replace(faces.choose(there), skipped=skipped)


def _draw(crops, path):
    """Writes a sheet of crops with their labelled points."""
    import cv2

    from keras_3dmmstn.drawing.label_sheet import label_sheet
    from keras_3dmmstn.drawing.panels import encoded

    if not cv2.haveImageWriter(str(path)):
        raise ValueError(f"--picture expects a name such as sheet.jpg, received {path}.")
    sheet = label_sheet(crops.images, crops.landmarks, crops.crop_side)
    terminal.write_file(path, encoded(sheet, path.suffix.lower()))


def _numbered(path, number, count):
    """Returns the path, numbered if there are several."""
    return path if count == 1 else path.with_stem(f"{path.stem}-{number + 1}")
