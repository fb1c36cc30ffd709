"""The self-occlusion layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import ops
from keras_3dmmstn.layers.face_model_data import add_data, check_data

#: The methods of `SelfOcclusionMask`, from the cheapest to the most accurate.
VISIBILITY_METHODS = ("normals", "table", "depth")


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class SelfOcclusionMask(keras.layers.Layer):
    """Marks the vertices that the viewer sees.

    The gradient is zero: the network does not learn from changes in occlusion.

    Args:
        grid_shape: (H', W'), rows and columns of the mesh.
        method: when a vertex counts as visible:

            - `"normals"`: if its outward normal faces the viewer, the paper's approximation;
            - `"table"`: if, in addition, a table over view directions does not list it as hidden
              behind another part of the mean face;
            - `"depth"`: if its normal faces the viewer and it lies in front in a depth buffer of
              the actual face.
        table: for the method `"table"`, the result of `mesh.occlusion_table`; a weight, not
            trained. A pair (rows, columns) of table entries makes a layer whose table is loaded
            later.
        rims: `(H'·W',)` int32, for each vertex the one whose visibility it shares, see
            `mesh.visibility_rims`; a weight, not trained. True makes a layer whose rims are loaded
            later; None makes all vertices independent.
        majority: side, an odd number of vertices, of the square around each vertex whose majority
            decides whether it is visible. This removes specks and straightens the border. 1 leaves
            the mask as it is.

    Call arguments:
        points: `(batch, H'·W', 3)` tensor, rotated vertices X'.
        rotation: `(batch, 3, 3)` tensor, the matrices that rotated them; for the method `"table"`.

    Returns:
        `(batch, H', W', 1)` mask, 1 visible, 0 hidden.

    Raises:
        ValueError: if the method is unknown, table or rotation is missing or does not match, there
            are not H'·W' points in 3D, or table or rims are not set, as in a clone.

    Example:

    >>> plane = [[x, y, 0.0] for y in (0.0, 1.0) for x in (0.0, 1.0)]
    >>> facing_the_viewer = SelfOcclusionMask((2, 2))(np.array([plane]))
    >>> facing_the_viewer.numpy().ravel()
    array([1., 1., 1., 1.], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.3, "Self-occlusions".
    """

    def __init__(
        self,
        grid_shape: Sequence[int],
        method: str = "normals",
        table: np.ndarray | list[int] | tuple[int, int] | None = None,
        rims: np.ndarray | bool | None = None,
        majority: int = 1,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.grid_shape = tuple(int(size) for size in grid_shape)
        self.method = method
        if method not in VISIBILITY_METHODS:
            raise ValueError(
                f"SelfOcclusionMask expects `method` to be one of {VISIBILITY_METHODS}, "
                f"received {method!r}."
            )
        if (table is not None) != (method == "table"):
            raise ValueError(
                'SelfOcclusionMask expects a `table` with the method "table" and with no other, '
                f"received {'none' if table is None else 'one'} with {method!r}."
            )
        self.follows_rims = rims is not None and rims is not False
        self._rims = self._checked_rims(rims) if isinstance(rims, np.ndarray) else None
        self.majority = majority
        if type(majority) is not int or majority < 1 or majority % 2 == 0:
            raise ValueError(
                f"SelfOcclusionMask expects `majority` to be an odd number, received {majority!r}."
            )
        self._values = None
        if isinstance(table, (list, tuple)):
            self.table_shape = self._table_shape(*table)
        elif table is not None:
            self.table_shape, self._values = self._table_shape(*table.shape[:2]), table
            if table.shape != self.table_shape or table.dtype != "uint8":
                raise ValueError(
                    f"SelfOcclusionMask expects a `table` of shape {self.table_shape} and type "
                    f"uint8 for its grid, received shape {table.shape} and type {table.dtype}."
                )

    def _checked_rims(self, rims):
        vertices = self.grid_shape[0] * self.grid_shape[1]
        if rims.shape != (vertices,) or not np.isin(rims, range(vertices)).all():
            raise ValueError(
                f"SelfOcclusionMask expects `rims` to number {vertices} vertices, one for each, "
                f"received shape {rims.shape}, {rims.min()} to {rims.max()}."
            )
        return rims

    def _table_shape(self, rows, columns):
        return (int(rows), int(columns), -(-self.grid_shape[0] * self.grid_shape[1] // 8))

    def build(self, points_shape, rotation_shape=None):
        rows, columns = self.grid_shape
        if tuple(points_shape[1:]) != (rows * columns, 3):
            raise ValueError(
                f"SelfOcclusionMask expects `points` of shape (batch, {rows * columns}, 3) for "
                f"its {rows} x {columns} grid, received shape {tuple(points_shape)}."
            )
        if self.follows_rims:
            self.rims = self._constant("rims", (rows * columns,), "int32", self._rims)
        if self.method != "table":
            return
        if rotation_shape is None or tuple(rotation_shape[1:]) != (3, 3):
            raise ValueError(
                'SelfOcclusionMask expects `rotation` of shape (batch, 3, 3) for the method "table"'
                f", received {rotation_shape and tuple(rotation_shape)}."
            )
        self.table = self._constant("table", self.table_shape, "uint8", self._values)

    def _constant(self, name, shape, dtype, values):
        """Adds a weight that is not trained, with these values or to be loaded later."""
        return add_data(self, name, shape, values, dtype=dtype, trainable=False)

    def call(self, points, rotation=None):
        check_data(self)
        if self.method == "table":
            table = tf.convert_to_tensor(self.table)
            mask = ops.self_occlusion_mask_by_table(points, rotation, self.grid_shape, table)
        elif self.method == "depth":
            mask = ops.self_occlusion_mask_by_depth(points, self.grid_shape)
        else:
            mask = ops.self_occlusion_mask(points, self.grid_shape)
        if self.follows_rims:
            mask = ops.follow_rims(mask, tf.convert_to_tensor(self.rims))
        return ops.without_specks(mask, self.majority) if self.majority > 1 else mask

    def compute_output_shape(self, points_shape, rotation_shape=None):
        return (points_shape[0], *self.grid_shape, 1)

    def get_config(self):
        # Sizes only: the table is a weight.
        table = list(self.table_shape[:2]) if self.method == "table" else None
        return {
            **super().get_config(),
            "grid_shape": list(self.grid_shape),
            "method": self.method,
            "table": table,
            "rims": True if self.follows_rims else None,
            "majority": self.majority,
        }
