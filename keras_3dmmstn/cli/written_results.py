"""What `normalise` does with each photograph: it writes the results and says so."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import typer

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.photograph_files import PhotographFile
from keras_3dmmstn.drawing.results.files import ResultFiles, remove_unfinished_results
from keras_3dmmstn.drawing.results.writing import write_results
from keras_3dmmstn.inference.normalised_photograph import NormalisedPhotograph

# What the folder for the results can cause.
_FAILURES = (OSError, ValueError, MemoryError, cv2.error)


def write_all(
    normalised: Iterable[NormalisedPhotograph],
    work: Mapping[ResultFiles, PhotographFile],
    view: Mapping[str, Any] | None,
    overlay: bool,
    meshes: Mapping[str, Any] | None = None,
) -> Counter[str]:
    """Writes the results of photographs, and says what was written.

    Args:
        normalised: the photographs, in the order of `work`.
        work: where to write, and which photograph it is.
        view, overlay, meshes: as `front`, `overlay` and `meshes` of `write_results`.

    Returns:
        How many were "written", how many "failed", and how many of a folder are "faceless".
    """
    for folder in {results.folder for results in work}:
        remove_unfinished_results(folder)
    return Counter(
        _write_one(one, results, photograph, (view, overlay, meshes))
        for one, (results, photograph) in zip(normalised, work.items(), strict=True)
    )


def _write_one(normalised, results, photograph, wanted):
    """Writes the results of a photograph, says so, and returns what came of it."""
    error, faces = normalised.error, []
    if error is None:
        faces = normalised.faces
        try:
            written = write_results(results, normalised.image, faces, *wanted)
        except _FAILURES as failure:
            error = failure
    if error is not None:
        terminal.note(terminal.message_of(error, about=photograph.path))
        return "failed"
    if not faces:
        name = terminal.printable(photograph.path)
        help_of_user = " Give its box with --box." if photograph.is_named else ""
        say = terminal.note if photograph.is_named else terminal.remark
        say(f"{name}: no face was found.{help_of_user}")
        return "failed" if photograph.is_named else "faceless"
    if photograph.is_named:
        for path in written:
            terminal.tell_if_possible(path)
    else:
        name = terminal.printable(results.folder / results.name)
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        terminal.tell_if_possible(f"{name}: {count}")
    return "written"


def report(outcomes: Counter[str], troubles: Sequence[Exception]) -> None:
    """Says how many photographs have no results, and ends with exit status 1 if anything failed.

    Args:
        outcomes: as `write_all` returns them.
        troubles: what folders met; each has been noted.
    """
    if outcomes["faceless"]:
        terminal.remark(
            f"No face was found in {outcomes['faceless']} of {outcomes.total()} photographs."
        )
    if outcomes["failed"]:
        terminal.fail(f"{outcomes['failed']} of {outcomes.total()} photographs failed.")
    if troubles:
        raise typer.Exit(1)
