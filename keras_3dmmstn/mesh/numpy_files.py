"""Opens NumPy's .npz and .npy files without unpickling anything in them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def read_npz(path: str | Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """Reads arrays of an `.npz` file.

    Returns:
        Name to array, for those of `names` that the file has; None stands for all.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged, something else, or holds Python objects.
    """
    try:
        # np.load leaves the file open when the archive is damaged: open it here.
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            wanted = archive.files if names is None else set(names) & set(archive.files)
            return {name: archive[name] for name in wanted}
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
        ValueError: if it is damaged, something else, or holds Python objects.
    """
    try:
        with Path(path).open("rb") as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged file raises almost anything
        raise ValueError(
            f"Expected an .npy file of numbers, received {path}: {first_sentence(error)}"
        ) from error


def first_sentence(error: Exception) -> str:
    """Returns what went wrong, without NumPy's advice to load files unsafely."""
    return str(error).split(". ")[0].rstrip(".") + "."
