"""Paths for native libraries, which take no names that are not UTF-8."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def native_path(path: Path) -> Iterator[str]:
    """Gives a path that OpenCV opens: the same, or a link to it, as long as the context lasts.

    Args:
        path: of a file; one that does not exist is made through the link.
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
