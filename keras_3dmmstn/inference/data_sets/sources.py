"""The photographs of a data set: those of a folder or a table, local or at a URL."""

import itertools
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from keras_3dmmstn.inference.data_sets.places import (
    LocalPlace,
    Place,
    RemotePlace,
    folder_and_name,
    is_url,
    place_of,
)
from keras_3dmmstn.inference.data_sets.tables import rows_of_table
from keras_3dmmstn.inference.photograph import ENDINGS

Box = tuple[float, float, float, float]
Among = Callable[[Collection[str]], Iterable[str]]

_TABLES = (".csv", ".parquet")


class SourcePhotograph(NamedTuple):
    """A photograph as its source names it.

    Attributes:
        image: its path below the folder of the source, an absolute path, or a URL.
        box: x0, y0, x1, y1, the tight box of its face's landmarks; None to detect its faces.
        fault: what is wrong with its table row, which makes it a failure; None if nothing is.
    """

    image: str
    box: Box | None = None
    fault: str | None = None


def root_of(source: str | Path) -> str | Path:
    """Returns the folder or URL that the paths of a source's photographs are relative to."""
    if not is_table(source):
        return source if is_url(source) else Path(source).absolute()
    folder, _ = folder_and_name(source)
    return folder if is_url(folder) else Path(folder).absolute()


def photographs_in(source: str | Path, among: Among = iter) -> Iterator[SourcePhotograph]:
    """Yields the photographs of a source, always in the same order.

    In a folder and everything below it, these are the files with an extension of `ENDINGS`; hidden
    files and folders, and folders that are links, are left out. In a table, each row is a
    photograph, see `rows_of_table`; one that is named twice occurs twice.

    Args:
        source: the path or the URL of a folder, or of a table that ends in .csv or .parquet.
        among: from the names of a folder's files, returns those that may be photographs.

    Raises:
        FileNotFoundError: if there is no such folder or table.
        ValueError: if it is a file but not a table, or a table without the columns.
        OSError: if a folder or table cannot be read.
    """
    if is_table(source):
        folder, name = folder_and_name(source)
        yield from itertools.starmap(SourcePhotograph, rows_of_table(place_of(folder), name))
        return
    place = place_of(source)
    names = _below(place, among) if isinstance(place, LocalPlace) else _behind(place)
    yield from map(SourcePhotograph, names)


def read_image(root: Place, image: str) -> bytes:
    """Returns the bytes of a photograph of a source.

    Args:
        root: the place of `root_of`.
        image: as in `SourcePhotograph`.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is not a file, or a URL that pyarrow does not know.
    """
    if not is_url(image):
        return root.read(image)
    folder, name = folder_and_name(image)
    return place_of(folder).read(name)


def is_table(source: str | Path) -> bool:
    """Returns whether a source is a table, judging by its extension."""
    if is_url(source):
        return urlsplit(source).path.lower().endswith(_TABLES)
    return str(source).lower().endswith(_TABLES) and not Path(source).is_dir()


def _below(place: LocalPlace, among: Among) -> Iterator[str]:
    """Yields the paths of the photographs below a folder."""
    top = place.folder
    if not top.exists():
        raise FileNotFoundError(f"Expected a folder with photographs, but there is no {top}.")
    if not top.is_dir():
        raise ValueError(
            f"{top}: expected a folder, or a table that ends in {' or '.join(_TABLES)}, received "
            "another file."
        )
    for folder, folders, names in os.walk(top, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        possible = sorted(among(names))
        for name in possible:
            path = Path(folder, name)
            if _is_photograph(name) and path.is_file():
                yield path.relative_to(top).as_posix()


def _behind(place: RemotePlace) -> Iterator[str]:
    """Yields the paths of the photographs below a URL."""
    for path in place.below():
        if all(map(_is_visible, path.split("/"))) and _is_photograph(path):
            yield path


def _is_photograph(name):
    return _is_visible(name) and name.lower().endswith(ENDINGS)


def _is_visible(name):
    return not name.startswith(".")


def _raise(error):
    raise error
