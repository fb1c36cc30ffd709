"""Which photographs a command line names: files, and what lies in folders."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_3dmmstn.drawing.results.files import without_results
from keras_3dmmstn.inference.photograph import ENDINGS


@dataclass(frozen=True)
class PhotographFile:
    """A photograph on the disk.

    Attributes:
        path: its file.
        folder: its folder below the one that was given, empty if the file was given itself.
        is_named: whether the file was given itself.
    """

    path: Path
    folder: Path
    is_named: bool


def photograph_files(given: Sequence[Path]) -> tuple[list[PhotographFile], list[Exception]]:
    """Returns the photographs among files and folders, with everything below a folder.

    Files that are given are taken whatever their names. In folders, these are left out: files
    whose names have none of `ENDINGS`, named pipes and devices, hidden files and folders, folders
    that are links, and pictures that `normalise` wrote.

    Returns:
        The photographs, those of a folder in the order of their names, and the errors of folders
        that cannot be read or have none.
    """
    files: list[PhotographFile] = []
    errors: list[Exception] = []
    for path in given:
        if not is_folder(path):
            files.append(PhotographFile(path, Path(), is_named=True))
            continue
        count, troubles = len(files), len(errors)
        files += _below(path, errors)
        if len(files) == count and len(errors) == troubles:
            endings = ", ".join(ENDINGS)
            errors.append(ValueError(f"{path}: expected photographs ({endings}), found none."))
    return files, errors


def is_folder(path: Path) -> bool:
    """Says whether a path is a folder's, as far as that can be seen."""
    try:
        return path.is_dir()
    except OSError:
        return False  # what is wrong with it is said when it is read


def is_photograph(path: str | Path) -> bool:
    """Says whether a path below a folder is a photograph's by its ending, and nothing is hidden."""
    hidden = any(part.startswith(".") for part in Path(path).parts)
    return not hidden and str(path).lower().endswith(ENDINGS)


def _may_block(path: Path) -> bool:
    """Says whether a path is a named pipe, a socket or a device: reading those may never end."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # as above
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _below(top: Path, errors: list[Exception]) -> Iterator[PhotographFile]:
    """Yields the photographs below a folder; what cannot be read is added to `errors`."""
    for folder, folders, names in os.walk(top, onerror=errors.append):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(without_results(names)):
            path = Path(folder, name)
            if is_photograph(name) and not _may_block(path):
                yield PhotographFile(path, Path(folder).relative_to(top), is_named=False)
