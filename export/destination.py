"""Where an export goes: written aside, and moved into place when all of it is right."""

from contextlib import AbstractContextManager
from pathlib import Path

from keras_3dmmstn.atomic_files import atomic_destination


def written_aside(path: Path) -> AbstractContextManager[Path]:
    """Gives a place to write a file or folder, which becomes `path` if nothing goes wrong.

    The place is beside `path`, so that the move at the end is one step; whoever looks at `path`
    sees nothing or all. After an exception, also Ctrl-C, nothing of it is left.

    Args:
        path: where the result belongs. The folders above it are made.

    Yields:
        The path to write to. It does not exist yet; what it holds at the end is moved.

    Raises:
        FileExistsError: if there is something at `path`, before or after the writing.
        OSError: if the folders cannot be made or nothing was written.
    """
    return atomic_destination(path, replace=False)


def next_version(folder: Path) -> Path:
    """Returns the folder of the next version below `folder`, named as TensorFlow Serving does.

    The first is `1`; after that one more than the largest number, which is the one that is served.

    Raises:
        FileExistsError: if `folder` is a file, or holds other things than versions.
    """
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"Expected a folder for versions, received the file {folder}.")
    children = list(folder.iterdir()) if folder.exists() else []
    strange = [c.name for c in children if not (c.name.isdigit() or c.name.startswith("."))]
    if strange:
        raise FileExistsError(
            f"Expected a new folder or one with numbered versions, but {folder} holds "
            f"{', '.join(sorted(strange)[:3])}."
        )
    return folder / str(1 + max((int(c.name) for c in children if c.name.isdigit()), default=0))
