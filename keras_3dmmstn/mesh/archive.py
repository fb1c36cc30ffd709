"""Model files: named arrays in one `.npz` with a format version, written atomically."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.mesh.numpy_files import read_npz


def write_archive(path: str | Path, kind: str, version: int, arrays: dict) -> None:
    """Writes arrays to `path` atomically.

    Args:
        path: the file to write; a missing `.npz` is appended, missing folders are created.
        kind: what the file contains, checked when it is read.
        version: the format version, an integer.
        arrays: name to array.
    """
    path = Path(path)
    if path.suffix != ".npz":
        path = path.with_name(path.name + ".npz")
    with atomic_destination(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, kind=np.array(kind), version=np.array(version), **arrays)


def read_archive(
    path: str | Path,
    kind: str,
    version: int,
    names: tuple[str, ...],
    optional: tuple[str, ...] = (),
) -> dict:
    """Reads what `write_archive` wrote; nothing in the file is unpickled.

    Args:
        path: the file.
        kind, version: what it must be.
        names: names of arrays that it must contain.
        optional: names of arrays that it may contain; a name that ends in a slash stands for all
            that begin with it. Other arrays are not read.

    Returns:
        Name to array.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not of this kind and version, or lacks one of `names`.
    """
    single = {"kind", "version", *names, *optional}
    prefixes = tuple(name for name in optional if name.endswith("/"))
    try:
        arrays = read_npz(path, lambda name: name in single or name.startswith(prefixes))
    except ValueError as error:
        raise ValueError(f"Expected a {kind} file. {error}") from error

    found = text_in(path, arrays, "kind", "none")
    arrays.pop("kind", None)
    if found != kind:
        raise ValueError(f"Expected a {kind} file, received {path}, whose kind is {found[:80]}.")
    found_version = whole_number_in(path, arrays, "version", -1)
    arrays.pop("version", None)
    if found_version != version:
        raise ValueError(
            f"{path}: expected format version {version} of a {kind} file, received {found_version}."
        )
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"{path}: a {kind} file needs {', '.join(missing)}, which it lacks.")
    return arrays


def text_in(path: str | Path, arrays: dict, name: str, default: str = "") -> str:
    """Returns a text among the arrays of a file, or the default if it is missing.

    Raises:
        ValueError: if it is something else.
    """
    array = arrays.get(name, np.array(default))
    if array.shape != () or array.dtype.kind != "U":
        raise ValueError(f"{path}: expected `{name}` to be a text, received {_described(array)}.")
    return str(array)


def whole_number_in(path: str | Path, arrays: dict, name: str, default: int = 0) -> int:
    """Returns a whole number among the arrays of a file, or the default if it is missing.

    Raises:
        ValueError: if it is something else.
    """
    array = arrays.get(name, np.array(default))
    if array.shape != () or array.dtype.kind not in "iu":
        raise ValueError(
            f"{path}: expected `{name}` to be a whole number, received {_described(array)}."
        )
    return int(array)


def check_types(path: str | Path, arrays: dict, names: tuple[str, ...], kinds: str) -> None:
    """Raises a ValueError unless those arrays of these names that exist are numbers.

    Args:
        path: the file, for the error message.
        arrays: its content.
        names: names of arrays; one that ends in a slash stands for all that begin with it.
        kinds: NumPy's letters for the types, `"iu"` for whole numbers and `"iuf"` for any.
    """
    prefixes = tuple(name for name in names if name.endswith("/"))
    for name, array in arrays.items():
        if (name in names or name.startswith(prefixes)) and array.dtype.kind not in kinds:
            expected = "numbers" if "f" in kinds else "whole numbers"
            raise ValueError(
                f"{path}: expected {expected} in `{name[:80]}`, received {_described(array)}."
            )


def _described(array):
    """Returns the shape and type of an array, for an error message."""
    return f"shape {array.shape} of {array.dtype.name[:40]}"
