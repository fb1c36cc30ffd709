"""Photographs in folders, and what `normalise` says of them."""

import json

import cv2
import numpy as np


def add_photograph(path):
    """Writes a photograph, whatever its ending, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return path


def results(folder):
    """The JSON files below a folder and the photographs that they name."""
    return {
        path.relative_to(folder).as_posix(): json.loads(path.read_text())["source"]
        for path in sorted(folder.rglob("*.json"))
    }
