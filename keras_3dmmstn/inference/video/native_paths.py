"""Paths for native libraries, which accept only UTF-8 names."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def native_path(path: Path) -> Iterator[str]:
    """Gives a path that OpenCV can open within the context: the same, or a link to it.

    Args:
        path: of a file; if it does not exist, it is created through the link.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            suffix = path.suffix if path.suffix.isascii() else ""
            link = Path(folder) / f"video{suffix}"
            link.symlink_to(path.absolute())
            yield str(link)
    else:
        yield str(path)
