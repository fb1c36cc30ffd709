"""Opens NumPy's .npz and .npy files without unpickling anything in them."""

import os
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from keras_3dmmstn.outside_files import check_memory, open_file

# Whole numbers, floats, complex numbers, texts and dates: everything but objects.
_KINDS = "biufcSUmM"
_MOST_MEMBERS = 10_000

# np.savez writes no others; the decoders of others take memory without limit.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_npz(
    path: str | Path, names: Iterable[str] | Callable[[str], bool] | None = None
) -> dict[str, np.ndarray]:
    """Reads arrays of an `.npz` file; others are not touched.

    Args:
        path: the file.
        names: names of arrays, or a function that returns whether a name is wanted; None for all.

    Returns:
        Name to array, for those of `names` that the file has.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else, contains Python objects, or asks for more
            memory than a file of its size may take.
    """
    is_wanted = names if callable(names) else (None if names is None else set(names).__contains__)
    try:
        with open_file(path) as file, zipfile.ZipFile(file) as archive:
            members = {
                member.filename.removesuffix(".npy"): member
                for member in archive.infolist()
                if member.filename.endswith(".npy")
            }
            if len(members) > _MOST_MEMBERS:
                raise ValueError(f"more than {_MOST_MEMBERS:,} arrays")
            wanted = {n: m for n, m in members.items() if is_wanted is None or is_wanted(n)}
            return _read_members(archive, wanted, os.fstat(file.fileno()).st_size)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises almost anything
        raise ValueError(
            f"Expected an .npz file of arrays, received {path}: {first_sentence(error)}"
        ) from error


def read_npy(path: str | Path) -> np.ndarray:
    """Reads the array of an `.npy` file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else, or contains Python objects.
    """
    try:
        with open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            _check_array(file, size)
            file.seek(0)
            return np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises almost anything
        raise ValueError(
            f"Expected an .npy file of numbers, received {path}: {first_sentence(error)}"
        ) from error


def first_sentence(error: Exception) -> str:
    """Returns what went wrong, without NumPy's advice to load files unsafely."""
    return (str(error) or type(error).__name__).split(". ")[0].rstrip(".")[:300] + "."


def _read_members(archive, members, file_size):
    """Returns the arrays of an archive's members after checking their sizes against the file's."""
    arrays, needed = {}, 0
    for name, member in members.items():
        if member.compress_type not in _COMPRESSIONS:
            raise ValueError(f"`{name}` is compressed in a way that np.savez does not use")
        with archive.open(member) as stream:
            needed += _check_array(stream, member.file_size)
        check_memory(f"`{name}`", file_size, needed)
        with archive.open(member) as stream:
            arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
            stream.read(1)  # the end, where the check sum is compared
    return arrays


def npy_header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype]:
    """Reads the header of an `.npy` stream, up to the start of its content.

    Returns:
        The array's shape and type.

    Raises:
        ValueError: if it is not one, or of a version that arrays of numbers do not have.
    """
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"an .npy file of version {version}")
    shape, _, dtype = read[version](stream)
    return shape, dtype


def _check_array(stream: BinaryIO, size: int) -> int:
    """Checks an `.npy` stream of `size` bytes and returns how many bytes its numbers take."""
    shape, dtype = npy_header(stream)
    if dtype.kind not in _KINDS:
        raise ValueError(f"Object arrays cannot be loaded, nor those of {dtype.name[:40]}")
    count = 1
    for side in shape:
        count *= side
    needed, held = count * dtype.itemsize, size - stream.tell()
    if needed != held or min(shape, default=0) < 0 or (not dtype.itemsize and count > 1):
        raise ValueError(f"an array of shape {shape} of {dtype} in {held:,} bytes")
    return needed
