"""Numbered versions of a model, as TensorFlow Serving requires them."""

from pathlib import Path


def next_version(folder: Path) -> Path:
    """Returns the folder of the next version below `folder`, named as for TensorFlow Serving.

    The first is `1`; later ones are one more than the largest number, which is the one served.

    Raises:
        FileExistsError: if `folder` is a file, or contains anything but versions.
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
