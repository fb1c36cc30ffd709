"""Data sets of copies of the bundled portrait, and a network that costs nothing."""

import csv
import shutil
from importlib import resources
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace

SHAPE = (5, 4)


def write_photographs(folder: Path, count: int) -> Path:
    """Writes a folder of photographs `0.jpg`, `1.jpg` and so on; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        with resources.as_file(resources.files("keras_3dmmstn.assets") / "portrait.jpg") as file:
            shutil.copyfile(file, folder / f"{number}.jpg")
    return folder


def write_table(path: Path, rows, columns=("image", "x0", "y0", "x1", "y1")) -> Path:
    """Writes a CSV; returns its path."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def plain_face(value=7, **changes) -> NormalisedFace:
    """A face of few numbers, no two of which are alike in meaning."""
    height, width = SHAPE
    texture = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3) + value
    mask = np.ones(SHAPE, bool)
    mask[0, 1] = mask[4, 3] = False
    points = np.arange(height * width * 2, dtype=np.float32).reshape(-1, 2)
    values = {
        "texture": texture,
        "mask": mask,
        "vertices": np.zeros((height * width, 3), np.float32),
        "points": points,
        "visible": mask.ravel(),
        "grid_shape": SHAPE,
        "parameters": {
            "rotation": np.array([0.1, 0.2, 0.3], np.float32),
            "translation": np.array([40.0, 50.0], np.float32),
            "log_scale": np.float32(1.5),
            "identity": np.array([6.0, 7.0], np.float32),
            "expression": np.array([8.0], np.float32),
        },
        "box": np.array([1.0, 2.0, 3.0, 4.0]),
        "landmark_indices": {"ibug68": np.arange(3)},
        "score": 0.5,
    }
    return NormalisedFace(**{**values, **changes})
