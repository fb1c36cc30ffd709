"""Model files: named arrays in one `.npz` with a format version, written whole or not at all."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.mesh.numpy_files import read_npz


def write_archive(path: str | Path, kind: str, version: int, arrays: dict) -> None:
    """Writes arrays to `path`, whole or not at all.

    Args:
        path: the file to write; `.npz` is appended when it is missing, folders are made.
        kind: what the file holds, checked when it is read.
        version: the format version, an integer.
        arrays: name to array.
    """
    path = Path(path)
    if path.suffix != ".npz":
        path = path.with_name(path.name + ".npz")
    with atomic_destination(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, kind=np.array(kind), version=np.array(version), **arrays)


def read_archive(path: str | Path, kind: str, version: int, names: tuple[str, ...]) -> dict:
    """Reads what `write_archive` wrote; nothing in the file is unpickled.

    Returns:
        Name to array, for every array of the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no archive of this kind and version, or lacks one of `names`.
    """
    try:
        arrays = read_npz(path)
    except ValueError as error:
        raise ValueError(f"Expected a {kind} file. {error}") from error

    found = str(arrays.pop("kind", "none"))
    if found != kind:
        raise ValueError(f"Expected a {kind} file, received {path}, whose kind is {found}.")
    found_version = int(arrays.pop("version", -1))
    if found_version != version:
        raise ValueError(
            f"{path}: expected format version {version} of a {kind} file, received {found_version}."
        )
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{path}: a {kind} file needs {', '.join(missing)}, which it lacks.")
    return arrays
