"""Reads your own landmarks: a JSON file that maps set names to vertex numbers."""

import json
from collections import Counter
from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.outside_files import read_file

# Maximum bytes of a landmark file: two million vertex numbers, and fifteen times as much memory.
_LARGEST = 16_000_000


def read_landmark_sets(path: str | Path, vertex_count: int) -> dict[str, np.ndarray]:
    """Reads landmark sets such as `{"car": [12, 340, 77], "wheels": [5, 9]}`.

    Args:
        path: a JSON file of at most 16 MB: set name to vertex numbers, counted from 0.
        vertex_count: how many vertices the meshes have.

    Returns:
        Set name to vertex indices.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it contains anything else.
    """
    content = read_file(path, _LARGEST)
    try:
        sets = json.loads(content, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected JSON: {str(error)[:200]}") from error
    if not isinstance(sets, dict) or not all(isinstance(part, list) for part in sets.values()):
        raise ValueError(
            f'{path}: expected lists of vertex numbers by name, such as {{"car": [12, 340]}}, '
            "received something else."
        )
    for name in sets:
        if not name or set(name) & set("+/"):
            raise ValueError(f"{path}: expected names without + and /, received {name[:40]!r}.")
    return {
        name: checks.indices(path, name, checks.as_array(path, name, numbers), vertex_count)
        for name, numbers in sets.items()
    }


def _without_repeats(pairs):
    """Returns the object of names and values, or raises a ValueError if a name occurs twice."""
    name, count = next(iter(Counter(name for name, _ in pairs).most_common(1)), ("", 0))
    if count > 1:
        raise ValueError(f"the name {name[:40]!r} comes {count} times")
    return dict(pairs)
