"""The photographs of a figure, and the face in the middle of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_3dmmstn.cli import terminal
from keras_3dmmstn.cli.progress import tracking

if TYPE_CHECKING:
    import numpy as np

    from keras_3dmmstn.inference.normaliser import NormalisedFace, Normaliser


def central_faces(
    normaliser: "Normaliser", photographs: Sequence[Path], boxes: Path | None
) -> "list[tuple[np.ndarray, NormalisedFace]]":
    """Returns photographs and the central face of each; those without one are named, left out."""
    from keras_3dmmstn.inference.box_table import read_boxes
    from keras_3dmmstn.inference.central_face import central_face
    from keras_3dmmstn.inference.photograph import read_photograph

    with terminal.failing_on(OSError, ValueError):
        known = read_boxes(boxes) if boxes else None
    found = []
    for path in tracking("Normalising")(photographs):
        try:
            image = read_photograph(path)
            box = known.box_of(path) if known else None
            found.append((image, central_face(normaliser, image, box)))
        except ImportError as error:
            terminal.fail(terminal.message_of(error))
        except (OSError, ValueError) as error:
            terminal.note(terminal.message_of(error, about=path))
    return found


def some_central_faces(
    normaliser: "Normaliser", photographs: Sequence[Path], boxes: Path | None
) -> "list[tuple[np.ndarray, NormalisedFace]]":
    """Returns what `central_faces` does, or ends with a message if that is nothing."""
    found = central_faces(normaliser, photographs, boxes)
    if not found:
        count = len(photographs)
        place = "the photograph" if count == 1 else f"any of the {count} photographs"
        terminal.fail(f"No face was found in {place}.")
    return found
