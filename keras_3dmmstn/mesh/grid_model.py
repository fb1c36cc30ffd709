"""A 3DMM re-meshed on a regular grid: the deformable geometry image that the network uses."""

from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_3dmmstn.mesh.archive import (
    check_types,
    read_archive,
    text_in,
    whole_number_in,
    write_archive,
)
from keras_3dmmstn.mesh.expression_units import as_expression_units, check_expression_units
from keras_3dmmstn.mesh.shape_model import (
    as_float32,
    as_index_sets,
    check_index_sets,
    check_linear_model,
    index_set_arrays,
    index_sets_of,
)

_KIND, _VERSION = "keras_3dmmstn grid model", 1

# If a grid's sides were swapped, the rows of a face lie at least this many times as far apart.
_FAR_APART = 2


@dataclass(frozen=True)
class GridModel:
    """A 3D morphable model whose vertices form an H'×W' grid, row by row.

    Row 0 is the forehead, column 0 the image-left side of the face; the mirror image of vertex
    (row, column) is (row, W' − 1 − column). Frame, units and coefficients as in `ShapeModel`.

    Attributes:
        mean: `(H'·W', 3)` float32, millimetres.
        basis: `(modes, H'·W', 3)` float32, millimetres per standard deviation.
        grid_shape: (H', W').
        landmarks: set name to vertex indices.
        identity_count: how many of the modes are identity; the others are expression.
        name: the name of the model.
        regions: name to vertex indices: the insides of eyes, mouth and nostrils, as in
            `ShapeModel`. These vertices count as visible where their rims are, see
            `mesh.visibility_rims`.
        expression_units: name to coefficients of the expression modes: the blend shapes of the
            model's source, at full activation. None if it names none.

    Source:
        Bas et al. 2017, sec. 2.3, after the geometry images of Gu et al. 2002.
    """

    mean: np.ndarray
    basis: np.ndarray
    grid_shape: tuple[int, int]
    landmarks: dict[str, np.ndarray] = field(default_factory=dict)
    identity_count: int = 0
    name: str = ""
    regions: dict[str, np.ndarray] = field(default_factory=dict)
    expression_units: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "mean", as_float32(self.mean))
        object.__setattr__(self, "basis", as_float32(self.basis))
        object.__setattr__(self, "grid_shape", tuple(int(n) for n in self.grid_shape))
        object.__setattr__(self, "landmarks", as_index_sets("landmarks", self.landmarks))
        object.__setattr__(self, "regions", as_index_sets("regions", self.regions))
        units = as_expression_units(self.expression_units)
        object.__setattr__(self, "expression_units", units)
        self.check()

    def check(self) -> None:
        """Raises a ValueError if the arrays do not match."""
        check_linear_model("GridModel", self.mean, self.basis, self.identity_count)
        if len(self.grid_shape) != 2 or min(self.grid_shape) < 2:
            raise ValueError(
                f"GridModel expects `grid_shape` (rows, columns), received {self.grid_shape}."
            )
        rows, columns = self.grid_shape
        if rows * columns != len(self.mean):
            raise ValueError(
                f"GridModel expects {rows} x {columns} = {rows * columns} vertices, "
                f"received {len(self.mean)}."
            )
        check_index_sets("landmarks", self.landmarks, len(self.mean))
        check_index_sets("regions", self.regions, len(self.mean))
        check_expression_units(self.expression_units, self.modes - self.identity_count)

    @property
    def modes(self) -> int:
        """The number of coefficients, identity and expression together."""
        return len(self.basis)

    @property
    def mirror(self) -> np.ndarray:
        """The index of each vertex's mirror image, `(H'·W',)`."""
        return np.arange(len(self.mean)).reshape(self.grid_shape)[:, ::-1].ravel()

    @property
    def triangles(self) -> np.ndarray:
        """Two triangles for each cell of the grid, counter-clockwise seen from outside.

        The diagonals of the two halves mirror each other.
        """
        index = np.arange(len(self.mean)).reshape(self.grid_shape)
        a, b = index[:-1, :-1], index[:-1, 1:]
        c, d = index[1:, :-1], index[1:, 1:]
        left = np.stack([a, c, d, a, d, b], axis=-1)
        right = np.stack([a, c, b, b, c, d], axis=-1)
        in_left_half = np.arange(self.grid_shape[1] - 1) < (self.grid_shape[1] - 1) / 2
        return np.where(in_left_half[:, None], left, right).reshape(-1, 3).astype(np.int32)

    def landmark_indices(self, name: str) -> np.ndarray:
        """Returns the vertices of a landmark set.

        Args:
            name: a set, or several joined by "+", such as `"ibug68+aflw21"`: their landmarks are
                concatenated.

        Raises:
            ValueError: if the model has no such set.
        """
        for part in name.split("+"):
            if part not in self.landmarks:
                known = ", ".join(map(repr, self.landmarks)) or "none"
                raise ValueError(
                    f"Expected one of the landmark sets {known} of the face model, "
                    f"received {part!r}."
                )
        return np.concatenate([self.landmarks[part] for part in name.split("+")])

    def mirror_permutation(self, name: str) -> np.ndarray:
        """Returns, for each landmark of a set, the one that takes its place in a mirrored picture.

        It is the landmark on the mirror image of its vertex, or on a neighbour of that: the two
        columns beside the symmetry line of an even grid count as one line.

        Args:
            name: a set, or several joined by "+": their landmarks are concatenated.

        Returns:
            `(L,)` indices of landmarks, for `with_reflections`.

        Raises:
            ValueError: if the model has no such set, or a landmark has no partner in it.
        """
        parts: list[np.ndarray] = []
        for part in name.split("+"):
            partners = _partners(part, self.landmark_indices(part), self.grid_shape[1])
            parts.append(partners + sum(map(len, parts)))
        return np.concatenate(parts)

    def shape(self, coefficients: np.ndarray) -> np.ndarray:
        """Returns the vertices `(H'·W', 3)` in millimetres for coefficients `(modes,)`."""
        return self.mean + np.tensordot(np.asarray(coefficients, np.float32), self.basis, 1)

    def save(self, path: str | Path, basis_dtype: str = "float32") -> None:
        """Writes the model to one `.npz` file.

        Args:
            path: the file to write.
            basis_dtype: `"float16"` halves the file size; a basis of a few millimetres then
                changes by less than 0.01 mm.
        """
        arrays = {
            "mean": self.mean,
            "basis": self.basis.astype(basis_dtype),
            "grid_shape": np.array(self.grid_shape),
            "identity_count": np.array(self.identity_count),
            "name": np.array(self.name),
            **index_set_arrays(
                landmarks=self.landmarks,
                regions=self.regions,
                expression_units=self.expression_units,
            ),
        }
        write_archive(path, _KIND, _VERSION, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "GridModel":
        """Reads a model written by `save`.

        Raises:
            ValueError: if the file is damaged or contains something else.
        """
        names = ("mean", "basis", "grid_shape", "identity_count")
        optional = ("name", "landmarks/", "regions/", "expression_units/")
        arrays = read_archive(path, _KIND, _VERSION, names, optional)
        check_types(path, arrays, ("mean", "basis", "expression_units/"), "iuf")
        check_types(path, arrays, ("grid_shape", "landmarks/", "regions/"), "iu")
        try:
            model = cls(
                mean=arrays["mean"],
                basis=arrays["basis"],
                grid_shape=tuple(arrays["grid_shape"].ravel().tolist()),
                landmarks=index_sets_of(arrays, "landmarks"),
                regions=index_sets_of(arrays, "regions"),
                expression_units=index_sets_of(arrays, "expression_units"),
                identity_count=whole_number_in(path, arrays, "identity_count"),
                name=text_in(path, arrays, "name"),
            )
            _check_order(model)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        return model

    @classmethod
    def bundled(cls) -> "GridModel":
        """Returns the face model that comes with the package (112×112, CC0)."""
        asset = resources.files("keras_3dmmstn.assets") / "face_model.npz"
        with resources.as_file(asset) as path:
            return cls.load(path)


def _partners(name, vertices, columns):
    """Returns the partner of each landmark, on the mirror image of its vertex, `(L,)`."""
    place = np.stack(np.divmod(vertices, columns), axis=1)
    mirrored = place * [1, -1] + [0, columns - 1]
    distance = np.linalg.norm(mirrored[:, None] - place, axis=-1)
    number, partner = linear_sum_assignment(distance**2)
    alone = (distance[number, partner] > 1) | (partner[partner] != number)
    if alone.any():
        raise ValueError(
            f"Expected landmarks {name!r} in mirrored pairs or on the symmetry line, received "
            f"number {int(np.argmax(alone))} without a partner."
        )
    return partner


def _check_order(model):
    """Raises a ValueError if rows and columns were swapped, so that neighbours lie far apart."""
    rows, columns = model.grid_shape
    if rows == columns:
        return
    here, swapped = (
        np.linalg.norm(np.diff(model.mean.reshape(*shape, 3), axis=0), axis=-1).mean()
        for shape in ((rows, columns), (columns, rows))
    )
    if here > _FAR_APART * swapped:
        raise ValueError(
            f"GridModel expects `grid_shape` (rows, columns), received {model.grid_shape}, where "
            f"{(columns, rows)} puts neighbours {here / swapped:.1f} times as near."
        )
