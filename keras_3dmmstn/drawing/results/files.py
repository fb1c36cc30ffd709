"""The files with the results of a photograph, and the photograph they belong to."""

import errno
import functools
import json
import os
import re
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from keras_3dmmstn.atomic_files import remove_leftovers_of_the_dead

_TEXTURE, _MASK, _FRONT, _JSON = "_texture.png", "_mask.png", "_front.png", ".json"
_MESHES = (".glb", ".obj", ".mtl", ".ply", ".npz")
_OVERLAY = "_overlay.jpg"
# Files of one face. Its JSON is written before them and removed after them: as long as one of them
# exists, the JSON says to which photograph it belongs.
_PICTURES = (_TEXTURE, _MASK, _FRONT, *_MESHES)
# Former versions wrote an overlay for each face.
_PICTURE = re.compile(r"(.*_\d+)(?:_texture|_mask|_front|_overlay)\.png", re.DOTALL)
# Pictures of a face of a video, and those that `fuse` writes.
_OF_VIDEO = re.compile(r"(.*)_\d+_(?:texture|mask|front)\.png", re.DOTALL)
_FUSED = frozenset(("front.png", "mask.png", "mesh.glb", "person.json", "texture.png"))
# A long name is recognised only by its checksum.
_TARGET = re.compile(
    r".*_\d+(?:_(?:texture|mask|front)\.png|\.(?:json|glb|obj|mtl|ply|npz))|.*_overlay\.jpg|\d+",
    re.DOTALL,
)


@dataclass(frozen=True)
class ResultFiles:
    """The files of one photograph's results, whose names have the same beginning.

    Attributes:
        folder: where they are.
        name: the beginning of their names.
        source: the photograph, as `source_in` names it.
    """

    folder: Path
    name: str
    source: str

    def texture(self, number: int) -> Path:
        return self._file(number, _TEXTURE)

    def mask(self, number: int) -> Path:
        return self._file(number, _MASK)

    def front(self, number: int) -> Path:
        return self._file(number, _FRONT)

    def mesh(self, number: int, suffix: str) -> Path:
        return self._file(number, suffix)

    def description(self, number: int) -> Path:
        return self._file(number, _JSON)

    @property
    def overlay(self) -> Path:
        return self.folder / f"{self.name}{_OVERLAY}"

    def check(self, faces: int) -> None:
        """Checks that the files for this number of faces are this photograph's or do not exist.

        Raises:
            FileExistsError: if there is a file of another, or of an unknown, photograph.
        """
        for number in range(faces):
            description = self.description(number)
            source = source_of(description)
            if source == self.source:
                continue
            if source is not None:
                raise FileExistsError(self._refusal(description, source))
            pictures = [self._file(number, ending) for ending in _PICTURES]
            for picture in pictures if number else [*pictures, self.overlay]:
                if os.path.lexists(picture):
                    raise FileExistsError(self._refusal(picture, ""))

    def remove_stale(self, faces: int, written: Container[Path]) -> None:
        """Removes this photograph's files that a run with this number of faces did not write."""
        for path in self._own(faces):
            if path not in written and os.path.lexists(path):
                path.unlink(missing_ok=True)

    def _own(self, faces):
        """Yields this photograph's files, in an order that leaves none without its JSON.

        The files of `faces` are known to be this photograph's.
        """
        numbers = list(range(faces))
        while source_of(self.description(len(numbers))) == self.source:
            numbers.append(len(numbers))
        if numbers:
            yield self.overlay
        for number in reversed(numbers):
            yield from (self._file(number, ending) for ending in (*_PICTURES, _JSON))

    def _file(self, number, ending):
        return self.folder / f"{self.name}_{number}{ending}"

    def _refusal(self, path, source):
        """Returns why a file is not overwritten."""
        found = f"is that of {source}" if source else "does not say of which photograph it is"
        return (
            f"expected a result of this photograph at {path}, or nothing, but what is there "
            f"{found}; move it away or choose another folder."
        )


def source_in(folder: Path, photograph: Path) -> str:
    """Returns the name of a photograph in the results of a folder: its path from that folder.

    It does not depend on where a command is called from, and stays valid if both are moved
    together. Folders that are links are followed; a photograph that is a link keeps its name. On
    Windows, a photograph on another drive has its whole path.
    """
    way = _way(os.getcwd(), folder, photograph.parent)  # noqa: PTH109 - a Path takes long
    return photograph.name if way == "." else f"{way}/{photograph.name}"


@functools.lru_cache
def _way(here, start, end):
    """Returns the relative path from one folder to another, with all links followed."""
    end = Path(here, end).resolve()
    try:
        return Path(os.path.relpath(end, _real(here, start))).as_posix()
    except ValueError:
        return end.as_posix()


@functools.lru_cache
def _real(here, folder):
    return Path(here, folder).resolve()


def source_of(description: Path) -> str | None:
    """Returns the photograph that a JSON names; "" if it names none, None if there is no file."""
    try:
        content = json.loads(description.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return None if error.errno == errno.ENAMETOOLONG else ""
    except (ValueError, RecursionError):
        return ""
    source = content.get("source", "") if isinstance(content, dict) else ""
    return source if isinstance(source, str) else ""


def without_results(names: Collection[str]) -> Iterator[str]:
    """Yields the names of a folder's files, except for pictures that this package wrote there.

    Such a picture has the JSON of its face or of its video beside it, or is one of those that
    `fuse` writes.
    """
    present = set(names)
    fused = _FUSED if present >= _FUSED else frozenset()
    for name in names:
        if name in fused or _is_of_video(name, present):
            continue
        match = _PICTURE.fullmatch(name)
        first = match[1] if match else f"{name.removesuffix(_OVERLAY)}_0"
        is_picture = match or name.endswith(_OVERLAY)
        if not (is_picture and f"{first}{_JSON}" in present):
            yield name


def _is_of_video(name, present):
    """Returns whether a picture belongs to the results of a video, whose JSON is also there."""
    match = _OF_VIDEO.fullmatch(name)
    return match is not None and {f"{match[1]}.json", f"{match[1]}.npz"} <= present


def remove_unfinished_results(folder: Path) -> None:
    """Removes unfinished results that killed commands left in a folder."""
    remove_leftovers_of_the_dead(folder, lambda name: bool(_TARGET.fullmatch(name)))
