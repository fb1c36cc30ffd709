"""What `normalise` does with each photograph: it writes the results and prints their paths."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.photograph_work import Work
from keras_3dmmstn.drawing.results.face_table import FaceTable
from keras_3dmmstn.drawing.results.files import remove_unfinished_results
from keras_3dmmstn.drawing.results.writing import write_results
from keras_3dmmstn.inference.normalised_photograph import NormalisedPhotograph

# Exceptions that the folder for the results can cause.
_FAILURES = (OSError, ValueError, MemoryError, cv2.error)


def write_all(
    normalised: Iterable[NormalisedPhotograph],
    work: Sequence[Work],
    view: Mapping[str, Any] | None,
    overlay: bool,
    table: FaceTable | None,
    meshes: Mapping[str, Any] | None = None,
) -> Counter[str]:
    """Writes the results of photographs and prints what was written.

    Args:
        normalised: the photographs, in the order of `work`.
        work: what they are, and where to write.
        view, overlay, meshes: as `front`, `overlay` and `meshes` of `write_results`.
        table: a table to which the faces are also added.

    Returns:
        How many were "written", how many "failed", and how many from folders are "faceless".

    Raises:
        OSError: if the table cannot be written.
    """
    for folder in {one.results.folder for one in work if one.results}:
        remove_unfinished_results(folder)
    outcomes: Counter[str] = Counter()
    last: list[Path] = []
    for one, its_work in zip(normalised, work, strict=True):
        outcome, written = _write_one(one, its_work, (view, overlay, meshes), table)
        outcomes[outcome] += 1
        last += written[-1:]
    gone = sum(not path.exists() for path in last)
    if gone:
        terminal.note(f"Of {gone} photographs the results were removed while others were written.")
        outcomes.update(written=-gone, failed=gone)
    return outcomes


def _write_one(normalised, work, wanted, table):
    """Writes the results of a photograph, prints them, and returns the outcome and the files."""
    photograph, error, faces, written = work.photograph, normalised.error, [], []
    if error is None:
        faces = normalised.faces
        try:
            if work.results:
                written = write_results(work.results, normalised.image, faces, *wanted)
        except _FAILURES as failure:
            error = failure
    if table is not None:
        problem = "" if faces else "no face was found"
        if error is not None:
            problem = terminal.message_of(error).removeprefix(f"{photograph.path}: ")
        table.add(photograph.path, faces, problem)
    if error is not None:
        terminal.note(terminal.message_of(error, about=photograph.path))
        return "failed", []
    if not faces:
        name = terminal.printable(photograph.path)
        help_of_user = " Give its box with --box." if photograph.is_named else ""
        say = terminal.note if photograph.is_named else terminal.remark
        say(f"{name}: no face was found.{help_of_user}")
        return "failed" if photograph.is_named else "faceless", []
    _tell(work, faces, written)
    return "written", written


def _tell(work, faces, written):
    """Prints the files written for a named photograph, or the number of faces for a folder's."""
    if work.photograph.is_named and work.results:
        for path in written:
            terminal.tell_if_possible(path)
        return
    place = work.results.folder / work.results.name if work.results else work.photograph.path
    count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
    terminal.tell_if_possible(f"{terminal.printable(place)}: {count}")


def report(outcomes: Counter[str], troubles: Sequence[Exception]) -> None:
    """Says how many photographs have no results, and ends with exit status 1 if anything failed.

    Args:
        outcomes: as `write_all` returns them.
        troubles: the errors of folders; each has already been noted.
    """
    if outcomes["faceless"]:
        terminal.remark(
            f"No face was found in {outcomes['faceless']} of {outcomes.total()} photographs."
        )
    if outcomes["failed"]:
        terminal.fail(f"{outcomes['failed']} of {outcomes.total()} photographs failed.")
    if troubles:
        raise typer.Exit(1)
