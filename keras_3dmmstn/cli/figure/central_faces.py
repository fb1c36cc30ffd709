"""The photographs of a figure, and the face in the middle of each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.progress import tracking

if TYPE_CHECKING:
    import numpy as np

    from keras_3dmmstn.inference.normaliser import NormalisedFace, Normaliser


@dataclass(frozen=True)
class CentralFaces:
    """The central faces of photographs, and how many photographs have none.

    Attributes:
        found: photographs and the face of each.
        paths: their files.
        failed: how many cannot be read or fitted, or were named by the user and have no face.
        faceless: how many others have no face: those in folders, where that is not a failure.
    """

    found: "list[tuple[np.ndarray, NormalisedFace]]"
    paths: list[Path]
    failed: int
    faceless: int

    @property
    def faces(self) -> "list[NormalisedFace]":
        """The faces alone."""
        return [face for _, face in self.found]


def central_faces(
    normaliser: "Normaliser",
    photographs: Sequence[Path],
    boxes: Path | None,
    named: Collection[Path] = (),
) -> CentralFaces:
    """Returns the central face of each photograph; photographs without one are named and left out.

    Args:
        normaliser: the normaliser.
        photographs: the files.
        boxes: a file of boxes, or None for the detector.
        named: the photographs that the user named one by one rather than by their folder.
    """
    from keras_3dmmstn.inference.box_table import read_boxes
    from keras_3dmmstn.inference.central_face import NoFaceError, central_face_of_file

    with terminal.failing_on(OSError, ValueError):
        known = read_boxes(boxes) if boxes else None
    found, paths, failed, faceless = [], [], 0, 0
    for path in tracking("Normalising")(photographs):
        try:
            box = known.box_of(path) if known else None
            found.append(central_face_of_file(normaliser, path, box))
            paths.append(path)
        except ImportError as error:
            terminal.fail(terminal.message_of(error))
        except NoFaceError as error:
            failed, faceless = failed + (path in named), faceless + (path not in named)
            terminal.note(f"{terminal.printable(path)}: {error} Give its box with --boxes.")
        except (OSError, ValueError) as error:
            failed += 1
            terminal.note(terminal.message_of(error, about=path))
    return CentralFaces(found, paths, failed, faceless)


def some_central_faces(
    normaliser: "Normaliser",
    photographs: Sequence[Path],
    boxes: Path | None,
    named: Collection[Path] | None = None,
) -> CentralFaces:
    """Returns the result of `central_faces`, or ends with a message if it has no face.

    Without `named`, all photographs count as named.
    """
    named = photographs if named is None else named
    central = central_faces(normaliser, photographs, boxes, named)
    if not central.found:
        count = len(photographs)
        place = "the photograph" if count == 1 else f"any of the {count} photographs"
        terminal.fail(f"No face was found in {place}.")
    return central


def report_failures(*groups: CentralFaces) -> None:
    """Says how many photographs are not in a figure; ends with exit status 1 if any failed.

    To be called after the figure has been written.
    """
    failed, faceless = sum(g.failed for g in groups), sum(g.faceless for g in groups)
    total = failed + faceless + sum(len(g.found) for g in groups)
    if faceless:
        terminal.note(f"No face was found in {faceless} of {total} photographs.")
    if failed:
        terminal.fail(f"{failed} of {total} photographs failed.")
