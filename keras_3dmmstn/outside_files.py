"""Untrusted files: how they are opened, and how much memory they may take.

A few bytes can ask for gigabytes: a compressed file, a header, a chain of references. So each
reader compares what a file asks for with the size of the file. Two environment variables raise the
limits; they are read whenever a file is read.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO

#: Environment variables: the largest photographs in millions of pixels, and how many bytes of
#: memory each byte of a file may take.
MAX_MEGAPIXELS, MAX_EXPANSION = "KERAS_3DMMSTN_MAX_MEGAPIXELS", "KERAS_3DMMSTN_MAX_EXPANSION"

_DEFAULTS = {MAX_MEGAPIXELS: 128.0, MAX_EXPANSION: 64.0}

# Bytes of memory that any file may take, however small it is.
_ALWAYS = 2**26

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)


def limit(name: str) -> float:
    """Returns a limit: the value of the environment variable `name`, or the default.

    Raises:
        ValueError: if the variable is not a positive number.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return _DEFAULTS[name]
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise ValueError(f"{name}: expected a positive number below 1e9, received {text!r}.")
    return value


def memory_limit(size: int) -> int:
    """Returns how many bytes of memory the content of a file of `size` bytes may take."""
    return max(_ALWAYS, int(limit(MAX_EXPANSION) * size))


def check_memory(what: str, size: int, needed: int) -> None:
    """Raises a ValueError if a file of `size` bytes asks for more memory than it may.

    Args:
        what: the file and the part of it, for the error message.
        size: the size of the file in bytes.
        needed: bytes of memory.
    """
    allowed = memory_limit(size)
    if needed > allowed:
        raise ValueError(
            f"{what}: expected at most {allowed:,} bytes of memory for a file of {size:,} bytes, "
            f"received one that needs {needed:,}; the environment variable {MAX_EXPANSION} raises "
            "the limit"
        )


def open_file(path: str | Path) -> BinaryIO:
    """Opens a file to read its bytes.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is a folder, or a named pipe, device or socket, which may never end.
    """
    if os.fspath(path) == "" or "\0" in os.fspath(path):
        raise ValueError(f"Expected the path of a file, received {os.fspath(path)!r}.")
    _check_kind(path, Path(path).stat().st_mode)
    # The file may be replaced in between: a pipe must not block the process.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        _check_kind(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: str | Path, largest: int | None = None) -> bytes:
    """Returns the bytes of a file.

    Args:
        path: the file.
        largest: the most bytes it may have, for text that takes much more memory when it is read.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: as for `open_file`, or if it has more bytes.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if largest is not None and size > largest:
            raise ValueError(
                f"{path}: expected a file of at most {largest:,} bytes, received one of {size:,}."
            )
        return file.read()


def _check_kind(path, mode):
    """Raises a ValueError unless a path leads to a plain file."""
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "a device")
        raise ValueError(f"{path}: expected a file, received {kind}.")
