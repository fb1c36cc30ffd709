"""A linear 3D shape model (3DMM) on an arbitrary triangle mesh."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.archive import (
    check_types,
    read_archive,
    text_in,
    whole_number_in,
    write_archive,
)
from keras_3dmmstn.mesh.expression_units import as_expression_units, check_expression_units
from keras_3dmmstn.mesh.landmark_sets import NAMES

_KIND, _VERSION = "keras_3dmmstn shape model", 1
# No face is this large (millimetres). Float32 can still represent its square, and sums of many.
_LARGEST = 1e9


@dataclass(frozen=True)
class ShapeModel:
    """Mean, basis and triangles of a 3D morphable model: X(α) = mean + Σ α_k basis_k.

    The frame is the package's: x right, y down, z away from the viewer, millimetres; the mean
    face looks towards −z. The basis is scaled by the standard deviations, so α ~ N(0, I).

    Attributes:
        mean: `(vertices, 3)` float32, millimetres.
        basis: `(modes, vertices, 3)` float32, millimetres per standard deviation, identity
            first, then expression.
        triangles: `(triangles, 3)` int32, counter-clockwise seen from outside.
        landmarks: set name (`"ibug68"`, `"aflw21"`, ...) to vertex indices.
        identity_count: how many of the modes are identity.
        mirror: `(vertices,)` index of each vertex's mirror image, or None if unknown.
        name: the name of the model.
        regions: name to vertex indices: the insides of the caps that close holes in the skin, such
            as `"left_eye"`, `"mouth"`, without their rims.
        expression_units: name to coefficients of the expression modes: the blend shapes of the
            model's source, at full activation. None if it names none.
    """

    mean: np.ndarray
    basis: np.ndarray
    triangles: np.ndarray
    landmarks: dict[str, np.ndarray] = field(default_factory=dict)
    identity_count: int = 0
    mirror: np.ndarray | None = None
    name: str = ""
    regions: dict[str, np.ndarray] = field(default_factory=dict)
    expression_units: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        object.__setattr__(self, "mean", as_float32(self.mean))
        object.__setattr__(self, "basis", as_float32(self.basis))
        object.__setattr__(self, "triangles", as_indices("triangles", self.triangles))
        object.__setattr__(self, "landmarks", as_index_sets("landmarks", self.landmarks))
        object.__setattr__(self, "regions", as_index_sets("regions", self.regions))
        units = as_expression_units(self.expression_units)
        object.__setattr__(self, "expression_units", units)
        if self.mirror is not None:
            object.__setattr__(self, "mirror", as_indices("mirror", self.mirror))
        self.check()

    def check(self) -> None:
        """Raises a ValueError if the arrays do not match."""
        count = len(self.mean)
        check_linear_model("ShapeModel", self.mean, self.basis, self.identity_count)
        check_triangles("ShapeModel", self.triangles, count)
        check_index_sets("landmarks", self.landmarks, count)
        check_index_sets("regions", self.regions, count)
        check_expression_units(self.expression_units, self.modes - self.identity_count)
        if self.mirror is not None and (
            self.mirror.shape != (count,)
            or self.mirror.min() < 0
            or self.mirror.max() >= count
            or not np.array_equal(self.mirror[self.mirror], np.arange(count))
        ):
            raise ValueError(
                f"ShapeModel expects `mirror` to be an involution of its {count} vertices "
                f"(the mirror of the mirror is the vertex), received shape {self.mirror.shape}."
            )

    @property
    def modes(self) -> int:
        """The number of coefficients, identity and expression together."""
        return len(self.basis)

    def shape(self, coefficients: np.ndarray) -> np.ndarray:
        """Returns the vertices `(vertices, 3)` in millimetres for coefficients `(modes,)`."""
        return self.mean + np.tensordot(np.asarray(coefficients, np.float32), self.basis, 1)

    def save(self, path: str | Path) -> None:
        """Writes the model to one `.npz` file."""
        arrays = {
            "mean": self.mean,
            "basis": self.basis,
            "triangles": self.triangles,
            "identity_count": np.array(self.identity_count),
            "name": np.array(self.name),
            **index_set_arrays(
                landmarks=self.landmarks,
                regions=self.regions,
                expression_units=self.expression_units,
            ),
        }
        if self.mirror is not None:
            arrays["mirror"] = self.mirror
        write_archive(path, _KIND, _VERSION, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "ShapeModel":
        """Reads a model written by `save`.

        Raises:
            ValueError: if the file is damaged or contains something else.
        """
        names = ("mean", "basis", "triangles", "identity_count")
        optional = ("mirror", "name", "landmarks/", "regions/", "expression_units/")
        arrays = read_archive(path, _KIND, _VERSION, names, optional)
        check_types(path, arrays, ("mean", "basis", "expression_units/"), "iuf")
        check_types(path, arrays, ("triangles", "mirror", "landmarks/", "regions/"), "iu")
        try:
            return cls(
                mean=arrays["mean"],
                basis=arrays["basis"],
                triangles=arrays["triangles"],
                landmarks=index_sets_of(arrays, "landmarks"),
                regions=index_sets_of(arrays, "regions"),
                expression_units=index_sets_of(arrays, "expression_units"),
                identity_count=whole_number_in(path, arrays, "identity_count"),
                mirror=arrays.get("mirror"),
                name=text_in(path, arrays, "name"),
            )
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error


def check_linear_model(who: str, mean: np.ndarray, basis: np.ndarray, identity_count: int) -> None:
    """Raises a ValueError unless mean and basis are finite and match."""
    if mean.ndim != 2 or mean.shape[1] != 3 or not len(mean):
        raise ValueError(f"{who} expects `mean` of shape (vertices, 3), received {mean.shape}.")
    if basis.ndim != 3 or basis.shape[1:] != mean.shape:
        raise ValueError(
            f"{who} expects `basis` of shape (modes, {len(mean)}, 3) to go with its mean, "
            f"received shape {basis.shape}."
        )
    if not (np.isfinite(mean).all() and np.isfinite(basis).all()):
        raise ValueError(f"{who} expects finite numbers, received NaN or infinity.")
    largest = max(float(np.abs(array).max(initial=0)) for array in (mean, basis))
    if largest > _LARGEST:
        raise ValueError(
            f"{who} expects millimetres, all within ±{_LARGEST:.0e}, received {largest:g}."
        )
    if not 0 <= identity_count <= len(basis):
        raise ValueError(
            f"{who} expects `identity_count` between 0 and its {len(basis)} modes, "
            f"received {identity_count}."
        )


def as_float32(array: np.ndarray) -> np.ndarray:
    """Returns an array as float32; numbers out of range become infinite, which the checks refuse.

    Raises:
        ValueError: if it contains anything but real numbers.
    """
    array = np.asarray(array)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"Expected an array of real numbers, received one of {array.dtype.name}.")
    with np.errstate(over="ignore"):
        return np.asarray(array, np.float32)


def as_indices(what: str, array: np.ndarray) -> np.ndarray:
    """Returns vertex numbers as int32.

    Args:
        what: a name for them, for the error message.
        array: whole numbers of any type.

    Raises:
        ValueError: if they are not whole numbers.
    """
    array = np.asarray(array)
    with np.errstate(invalid="ignore"):  # NaN, which is equal to no number
        whole = array.dtype.kind in "iuf" and (array == array.astype(np.int32, copy=False)).all()
    if array.size and not whole:
        raise ValueError(f"Expected whole numbers in {what}, received others ({array.dtype}).")
    return array.astype(np.int32)


def as_index_sets(what: str, sets: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns name to indices as int32 arrays."""
    return {name: as_indices(f"{what}[{name!r}]", indices) for name, indices in sets.items()}


def check_triangles(who: str, triangles: np.ndarray, count: int) -> None:
    """Raises a ValueError unless triangles `(triangles, 3)` are indices of `count` vertices.

    Args:
        who: who expects them, for the error message.
        triangles: whole numbers.
        count: the number of vertices.
    """
    if triangles.ndim != 2 or triangles.shape[1] != 3:
        raise ValueError(
            f"{who} expects `triangles` of shape (triangles, 3), received shape {triangles.shape}."
        )
    _check_indices("triangles", triangles, count)


def check_index_sets(what: str, sets: dict[str, np.ndarray], count: int) -> None:
    """Raises a ValueError unless all are indices of `count` vertices.

    A landmark set with a known name must have the right number of landmarks.
    """
    for name, indices in sets.items():
        if indices.ndim != 1:
            raise ValueError(f"Expected {what}[{name!r}] to be a list, received {indices.shape}.")
        if what == "landmarks" and name in NAMES and len(indices) != len(NAMES[name]):
            raise ValueError(
                f"Expected {what}[{name!r}] to be {len(NAMES[name])} vertices, received "
                f"{len(indices)}."
            )
        _check_indices(f"{what}[{name!r}]", indices, count)


def index_set_arrays(**kinds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns named sets as the arrays of a model file: `kind/name`."""
    return {f"{kind}/{name}": a for kind, sets in kinds.items() for name, a in sets.items()}


def index_sets_of(arrays: dict, kind: str) -> dict[str, np.ndarray]:
    """Returns the sets of one kind among the arrays of a model file."""
    prefix = f"{kind}/"
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _check_indices(what: str, indices: np.ndarray, count: int) -> None:
    """Raises a ValueError unless all indices lie in 0..count − 1."""
    if indices.size and (indices.min() < 0 or indices.max() >= count):
        raise ValueError(
            f"Expected {what} to number vertices 0 to {count - 1}, "
            f"received {indices.min()} to {indices.max()}."
        )
