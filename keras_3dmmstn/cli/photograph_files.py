"""The photographs that a command line names: files, and those in folders."""

import logging
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_3dmmstn.drawing.results.files import without_results
from keras_3dmmstn.inference.photograph import ENDINGS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PhotographFile:
    """A photograph on the disk.

    Attributes:
        path: its file.
        folder: its folder relative to the given one, empty if the file itself was given.
        is_named: whether the file itself was given.
    """

    path: Path
    folder: Path
    is_named: bool


def photograph_files(given: Sequence[Path]) -> tuple[list[PhotographFile], list[Exception]]:
    """Returns the given photographs and those in the given folders and their subfolders.

    Files that are given are taken whatever their names. In folders, these are left out: files
    whose names have none of `ENDINGS`, named pipes and devices, hidden files and folders, folders
    that are links, and pictures that `normalise` wrote.

    Returns:
        The photographs, those of a folder in the order of their names, and the errors of folders
        that cannot be read or contain none.
    """
    files: list[PhotographFile] = []
    errors: list[Exception] = []
    for path in given:
        if not is_folder(path):
            files.append(PhotographFile(path, Path(), is_named=True))
            continue
        count, troubles = len(files), len(errors)
        files += _below(path, errors)
        logger.info("%s: %d photographs", path, len(files) - count)
        if len(files) == count and len(errors) == troubles:
            endings = ", ".join(ENDINGS)
            errors.append(ValueError(f"{path}: expected photographs ({endings}), found none."))
    return files, errors


def is_folder(path: Path) -> bool:
    """Returns whether a path is a folder, as far as that can be determined."""
    try:
        return path.is_dir()
    except OSError:
        return False  # the problem is reported when it is read


def is_photograph(path: str | Path) -> bool:
    """Returns whether a path below a folder ends like a photograph's and no part is hidden."""
    hidden = any(part.startswith(".") for part in Path(path).parts)
    return not hidden and str(path).lower().endswith(ENDINGS)


def _may_block(path: Path) -> bool:
    """Returns whether a path is a named pipe, a socket or a device: reading may never end."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # as above
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _below(top: Path, errors: list[Exception]) -> Iterator[PhotographFile]:
    """Yields the photographs below a folder; folders that cannot be read are added to `errors`."""
    for folder, folders, names in os.walk(top, onerror=errors.append):
        for name in sorted(folders):
            if name.startswith(".") or Path(folder, name).is_symlink():
                logger.info("left out: %s: a folder that is hidden or a link", Path(folder, name))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        photographs = set(without_results(names))
        for name in sorted(names):
            path = Path(folder, name)
            reason = _why_not(path) if name in photographs else "a result of a photograph"
            if reason is not None:
                logger.info("left out: %s: %s", path, reason)
                continue
            yield PhotographFile(path, Path(folder).relative_to(top), is_named=False)


def _why_not(path: Path) -> str | None:
    """Returns why a file in a folder is not taken for a photograph, or None if it is."""
    if not is_photograph(path.name):
        return "its name is hidden, or does not end as a photograph's"
    return "no file, but a pipe or a device" if _may_block(path) else None
