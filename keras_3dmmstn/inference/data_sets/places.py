"""Places for files: a folder on this machine, or a URL that pyarrow opens."""

import contextlib
import functools
import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeGuard
from urllib.parse import urlsplit, urlunsplit
from urllib.request import url2pathname

from keras_3dmmstn.atomic_files import atomic_destination, remove_leftovers
from keras_3dmmstn.outside_files import open_file, read_file

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


class LocalPlace:
    """A folder on this machine, or on a mounted drive.

    Args:
        folder: the folder; it need not exist.
    """

    is_local = True

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def __str__(self):
        return str(self.folder)

    def path(self, name: str) -> Path:
        """Returns the path of a file; an absolute one is unchanged."""
        return self.folder / name

    def read(self, name: str) -> bytes:
        """Returns the bytes of a file; raises the errors of `read_file`."""
        return read_file(self.path(name))

    def open(self, name: str) -> IO[bytes]:
        """Opens a file to read its bytes in pieces."""
        return open_file(self.path(name))

    def exists(self, name: str) -> bool:
        """Returns whether the file exists."""
        return self.path(name).exists()

    def names(self, folder: str) -> list[str]:
        """Returns the names of what lies in a folder; of one that is not there, none."""
        try:
            return sorted(path.name for path in self.path(folder).iterdir())
        except FileNotFoundError:
            return []

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        self.path(name).unlink(missing_ok=True)

    def remove_leftovers(self, folder: str) -> None:
        """Removes the unfinished files that killed writers left in a folder."""
        remove_leftovers(self.path(folder))

    def write(self, name: str, content: bytes) -> None:
        """Writes a file completely or not at all."""
        with self.destination(name) as path:
            path.write_bytes(content)

    @contextmanager
    def destination(self, name: str) -> Iterator[Path]:
        """Gives a path to write a file to, which in the end is complete or not there at all."""
        with atomic_destination(self.path(name), sweep=False) as aside:
            yield aside

    @contextmanager
    def local_copy(self, name: str) -> Iterator[Path]:
        """Gives a path on this machine at which the file can be read."""
        yield self.path(name)


class RemotePlace:
    """A folder at a URL, such as `s3://bucket/folder`, accessed through `pyarrow.fs`.

    As usual for object stores, a file appears once its last byte has been sent.

    Args:
        url: as for `pyarrow.fs.FileSystem.from_uri`. After a question mark it may have options of
            the file system, such as `endpoint_override`, `scheme` and `region` for S3.

    Raises:
        ImportError: if pyarrow is missing.
        ValueError: if pyarrow has no file system for the URL.
    """

    is_local = False

    def __init__(self, url: str):
        self.url = url
        self._files, self._root = _file_system(url)

    def __str__(self):
        return without_credentials(self.url)

    def __reduce__(self):
        return type(self), (self.url,)

    def path(self, name: str) -> str:
        """Returns the path of a file in its file system."""
        return posixpath.join(self._root, name)

    def read(self, name: str) -> bytes:
        """Returns the bytes of a file, or raises an OSError."""
        with self._files.open_input_file(self.path(name)) as file:
            return file.read()

    def open(self, name: str) -> Any:
        """Opens a file to read its bytes in pieces."""
        return self._files.open_input_file(self.path(name))

    def exists(self, name: str) -> bool:
        """Returns whether the file exists."""
        import pyarrow.fs

        return self._files.get_file_info(self.path(name)).type != pyarrow.fs.FileType.NotFound

    def names(self, folder: str) -> list[str]:
        """Returns the names of what lies in a folder; of one that is not there, none."""
        return sorted(posixpath.basename(path) for path in self._listed(folder, False))

    def below(self) -> list[str]:
        """Returns the paths of all files below the folder, in their order.

        Raises:
            OSError: if there is no such folder, or its server does not answer.
        """
        start = len(self._root.rstrip("/")) + 1
        return sorted(path[start:] for path in self._listed("", True, may_be_missing=False))

    def remove(self, name: str) -> None:
        """Removes a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self._files.delete_file(self.path(name))

    def remove_leftovers(self, folder: str) -> None:
        """Does nothing: files that were not sent completely do not appear."""

    def write(self, name: str, content: bytes) -> None:
        """Writes a file."""
        self._files.create_dir(posixpath.dirname(self.path(name)), recursive=True)
        with self._files.open_output_stream(self.path(name)) as stream:
            stream.write(content)

    @contextmanager
    def destination(self, name: str) -> Iterator[Path]:
        """Gives a path on this machine to write a file to, which is sent at the end."""
        with tempfile.TemporaryDirectory(prefix="keras_3dmmstn_") as folder:
            path = Path(folder, posixpath.basename(name))
            yield path
            self._files.create_dir(posixpath.dirname(self.path(name)), recursive=True)
            with path.open("rb") as file, self._files.open_output_stream(self.path(name)) as stream:
                shutil.copyfileobj(file, stream, 2**20)

    @contextmanager
    def local_copy(self, name: str) -> Iterator[Path]:
        """Gives a path on this machine at which a copy of the file can be read."""
        with tempfile.TemporaryDirectory(prefix="keras_3dmmstn_") as folder:
            path = Path(folder, posixpath.basename(name))
            with self.open(name) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file, 2**20)
            yield path

    def _listed(self, folder, recursive, may_be_missing=True):
        """Yields the paths of the files in a folder."""
        import pyarrow.fs

        selector = pyarrow.fs.FileSelector(
            self.path(folder).rstrip("/"), recursive=recursive, allow_not_found=may_be_missing
        )
        for found in self._files.get_file_info(selector):
            if found.type == pyarrow.fs.FileType.File:
                yield found.path


Place = LocalPlace | RemotePlace


def is_url(where: str | Path) -> TypeGuard[str]:
    """Returns whether a text is a URL, not a path."""
    return isinstance(where, str) and _SCHEME.match(where) is not None


def place_of(where: str | Path) -> Place:
    """Returns the place of a folder given as a path or a URL; `file://` counts as a path.

    Raises:
        ImportError: if it needs pyarrow, which is missing.
        ValueError: if it is a URL that pyarrow does not know.
    """
    if not is_url(where):
        return LocalPlace(where)
    parts = urlsplit(where)
    if parts.scheme == "file":
        return LocalPlace(url2pathname(parts.path))
    return RemotePlace(where)


def folder_and_name(where: str | Path) -> tuple[str, str]:
    """Returns a file's folder, as a path or a URL, and its name."""
    if not is_url(where):
        return str(Path(where).parent), Path(where).name
    parts = urlsplit(where)
    folder, name = posixpath.split(parts.path)
    return urlunsplit(parts._replace(path=folder)), name


def without_credentials(where: str | Path) -> str:
    """Returns a path, or a URL without any user, password and keys."""
    if not is_url(where):
        return str(where)
    parts = urlsplit(where)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="")
    return urlunsplit(shown)


@functools.lru_cache(maxsize=64)
def _file_system(url):
    """Returns pyarrow's file system for a URL, and the path of its folder there."""
    try:
        import pyarrow
        import pyarrow.fs
    except ImportError as error:
        raise ImportError(
            f"{without_credentials(url)} needs pyarrow: pip install "
            '"keras-3dmmstn[table]", or [ray] for many workers.'
        ) from error
    try:
        return pyarrow.fs.FileSystem.from_uri(url)
    except pyarrow.ArrowException as error:
        raise ValueError(
            f"{without_credentials(url)}: expected a path or a URL that pyarrow opens, such as "
            f"s3://bucket/folder: {str(error).splitlines()[0]}."
        ) from None
