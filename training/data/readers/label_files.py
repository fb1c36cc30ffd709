"""Label files with the photographs beside them; the case of suffixes does not matter."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from keras_3dmmstn.training.data.skipped import Skipped, nothing_left, reason_of

# 68 points take a few kilobytes as text or from MATLAB, and some 100 with the face model's meshes.
_LARGEST_FILE = 16 << 20

_PHOTOGRAPHS = (".jpg", ".png", ".jpeg")


def label_files(folder: Path, ending: str, below: bool = False) -> list[Path]:
    """Returns the files of a folder with a suffix such as `.pts`, in the order of their names.

    Args:
        folder: the folder.
        ending: the suffix in lower case.
        below: whether files in subfolders are included.
    """
    pattern = "*." + "".join(f"[{c}{c.upper()}]" for c in ending.removeprefix("."))
    files = folder.rglob(pattern) if below else folder.glob(pattern)
    # macOS leaves ._name.pts beside name.pts, with no points in it.
    return sorted(file for file in files if file.name[0] != ".")


def photographs_beside(files: Sequence[Path], endings: Sequence[str] = _PHOTOGRAPHS) -> list[Path]:
    """Returns, for each file, the photograph of the same name; a `.jpg` name if there is none."""
    there: dict[Path, list[Path]] = {}
    for folder in {file.parent for file in files}:
        for path in sorted(folder.iterdir(), reverse=True):
            if path.suffix.lower() in endings:
                there.setdefault(path.with_suffix(""), []).append(path)
    return [
        min(
            there.get(file.with_suffix(""), [file.with_suffix(".jpg")]),
            key=lambda path: endings.index(path.suffix.lower()),
        )
        for file in files
    ]


def read_each(
    files: Iterable[Path], names: Iterable[str], read: Callable[[Path], Any]
) -> tuple[list[Any], list[int], list[Skipped]]:
    """Reads label files; those that cannot be read are left out.

    Args:
        files: the files.
        names: the names of their faces in messages.
        read: reads one file; its ValueError or OSError says what is wrong with it.

    Returns:
        What was read, the positions of its files, and what was left out.

    Raises:
        ValueError: if none can be read.
    """
    values, places, skipped = [], [], []
    for place, (file, name) in enumerate(zip(files, names, strict=True)):
        try:
            _check_file(file)
            values.append(read(file))
            places.append(place)
        except (OSError, ValueError) as error:
            skipped.append(Skipped(name, reason_of(error)))
    if not values:
        raise nothing_left(skipped)
    return values, places, skipped


def _check_file(file):
    """Raises a ValueError unless a label file is a regular file of a plausible size."""
    if not file.is_file():  # reading a pipe may never end
        raise ValueError(f"{file}: expected a file of labels, received something else.")
    if file.stat().st_size > _LARGEST_FILE:
        raise ValueError(
            f"{file}: expected the labels of a face, received a file of more than "
            f"{_LARGEST_FILE >> 20} megabytes."
        )
