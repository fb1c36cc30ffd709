"""Reads `.anl` files: vertex numbers of landmarks, one per line, counted from 1."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.landmark_sets import NAMES
from keras_3dmmstn.mesh.readers import checks
from keras_3dmmstn.number_texts import whole_number
from keras_3dmmstn.outside_files import read_file

_SETS = {len(NAMES[name]): name for name in ("ibug68", "aflw21")}


def read_annotations(path: str | Path, vertex_count: int) -> dict[str, np.ndarray]:
    """Reads landmark sets of 68 (`ibug68`) or 21 (`aflw21`) vertices.

    Args:
        path: an `.anl` file as published by the paper's authors (`Landmarks68_BFM.anl`), or a
            folder with `Landmarks68_BFM.anl` and `Landmarks21_BFM.anl`. Lines that begin with %
            are comments.
        vertex_count: how many vertices the model has.

    Returns:
        Set name to vertex indices, counted from 0.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if a file contains anything else.
    """
    path = Path(path)
    files = sorted(path.glob("Landmarks*_BFM.anl")) if path.is_dir() else [path]
    if not files:
        raise ValueError(f"{path}: expected a folder with Landmarks68_BFM.anl, received none.")
    landmarks = {}
    for file in files:
        lines = read_file(file).decode(errors="replace").splitlines()
        words = [line.strip() for line in lines if line.strip() and not line.startswith("%")]
        try:
            numbers = np.array([whole_number(word) for word in words], np.int64)
        except (ValueError, OverflowError) as error:
            raise ValueError(
                f"{file}: expected one vertex number a line: {str(error)[:200]}"
            ) from error
        if len(numbers) not in _SETS:
            raise ValueError(f"{file}: expected 21 or 68 landmarks, received {len(numbers)}.")
        landmarks[_SETS[len(numbers)]] = checks.indices(
            file, "landmarks", numbers, vertex_count, first=1
        )
    return landmarks
