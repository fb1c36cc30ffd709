"""Reads face models and blend shapes of eos, as its library writes them (cereal, binary)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_3dmmstn.outside_files import read_file

# Versions of the file that contain a shape model first, then a colour model.
_VERSIONS = range(1, 5)
# From this version on, the file says whether expressions follow.
_WITH_EXPRESSIONS = 2

_MOST_SHAPES, _LONGEST_NAME = 10_000, 1000


class EosModel(NamedTuple):
    """A shape model of eos.

    Attributes:
        mean: `(3 N,)` float32, x, y, z of one vertex after another.
        basis: `(3 N, K)` float32, orthonormal columns.
        variances: `(K,)` float32, along the columns.
        triangles: `(T, 3)` int32, counted from 0.
        has_expressions: whether the file also contains expressions, which are not read.
    """

    mean: np.ndarray
    basis: np.ndarray
    variances: np.ndarray
    triangles: np.ndarray
    has_expressions: bool


def read_eos_model(path: str | Path) -> EosModel:
    """Reads the shape of a model written by eos' `save_model`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.

    Source:
        eos 1.5, `MorphableModel::serialize`, `PcaModel::serialize` and `eigen_cerealisation.hpp`.
    """
    stream = _Bytes(path)
    version = stream.number("<u4")
    if version not in _VERSIONS:
        stream.refuse(f"a version of {version:,}")
    mean, basis, variances, triangles = _pca_model(stream)
    _pca_model(stream)  # of colours
    # For optional values, cereal writes whether they are missing.
    has_expressions = version >= _WITH_EXPRESSIONS and not stream.number("<u1")
    if basis.shape != (len(mean), len(variances)):
        stream.refuse(
            f"a mean of {mean.shape}, vectors of {basis.shape}, {len(variances)} variances"
        )
    return EosModel(mean, basis, variances, triangles, has_expressions)


def read_eos_blendshapes(path: str | Path) -> dict[str, np.ndarray]:
    """Reads blend shapes written by eos' `save_blendshapes`.

    Returns:
        Name to offsets `(3 N,)` float32, x, y, z of one vertex after another.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or something else.
    """
    stream = _Bytes(path)
    count = stream.number("<u8")
    if not 0 < count <= _MOST_SHAPES:
        stream.refuse(f"{count:,} blend shapes")
    shapes: dict[str, np.ndarray] = {}
    for _ in range(count):
        length = stream.number("<u8")
        if length > _LONGEST_NAME:
            stream.refuse(f"a name of {length:,} characters")
        name = stream.array("<u1", length).tobytes().decode("utf-8", errors="replace")
        offsets = _matrix(stream)
        if name in shapes or offsets.shape[1] != 1:
            stream.refuse(f"the blend shape {name!r} twice, or of shape {offsets.shape}")
        shapes[name] = offsets[:, 0]
    return shapes


def _pca_model(stream):
    """Reads mean, basis, variances and triangles."""
    mean, basis, variances = (_matrix(stream) for _ in range(3))
    triangles = stream.array("<i4", 3, stream.number("<u8")).reshape(-1, 3)
    return mean.ravel(), basis, variances.ravel(), triangles


def _matrix(stream):
    """Reads a float32 matrix, stored column by column."""
    rows, columns = stream.number("<i4"), stream.number("<i4")
    if rows < 0 or columns < 0:
        stream.refuse(f"a matrix of {rows} x {columns}")
    return stream.array("<f4", rows, columns).reshape(rows, columns, order="F")


class _Bytes:
    """The bytes of a file, read in order."""

    def __init__(self, path):
        self._path, self._content, self._place = path, read_file(path), 0

    def number(self, kind):
        """Reads one number."""
        return self.array(kind, 1).tolist()[0]

    def array(self, kind, *sides):
        """Reads as many numbers as the product of the sides."""
        count = 1
        for side in sides:
            count *= side
        size, left = count * np.dtype(kind).itemsize, len(self._content) - self._place
        if size > left:
            self.refuse(f"{size:,} bytes of numbers where {left:,} are left")
        self._place += size
        return np.frombuffer(self._content, kind, count, self._place - size)

    def refuse(self, received):
        """Raises a ValueError that says what was received."""
        raise ValueError(f"Expected a file of eos, received {self._path}, with {received}.")
