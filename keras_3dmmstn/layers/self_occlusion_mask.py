"""The self-occlusion layer."""

import keras

from keras_3dmmstn.ops import visibility


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class SelfOcclusionMask(keras.layers.Layer):
    """Marks the vertices whose outward normal faces the viewer.

    The gradient is zero: the network does not learn from changes in occlusion.

    Args:
        grid_shape: (H', W'), rows and columns of the mesh.

    Call arguments:
        points: `(batch, H'·W', 3)` tensor, rotated vertices X'.

    Returns:
        `(batch, H', W', 1)` mask, 1 visible, 0 hidden.

    Raises:
        ValueError: if there are not H'·W' points in 3D.

    Example:

    >>> plane = [[x, y, 0.0] for y in (0.0, 1.0) for x in (0.0, 1.0)]
    >>> facing_the_viewer = SelfOcclusionMask((2, 2))(np.array([plane]))
    >>> facing_the_viewer.numpy().ravel()
    array([1., 1., 1., 1.], dtype=float32)

    Source:
        Bas et al. 2017, sec. 2.3, "Self-occlusions".
    """

    def __init__(self, grid_shape, **kwargs):
        super().__init__(**kwargs)
        self.grid_shape = tuple(int(size) for size in grid_shape)

    def build(self, input_shape):
        rows, columns = self.grid_shape
        if tuple(input_shape[1:]) != (rows * columns, 3):
            raise ValueError(
                f"SelfOcclusionMask expects `points` of shape (batch, {rows * columns}, 3) for "
                f"its {rows} x {columns} grid, received shape {tuple(input_shape)}."
            )

    def call(self, points):
        return visibility.self_occlusion_mask(points, self.grid_shape)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.grid_shape, 1)

    def get_config(self):
        return {**super().get_config(), "grid_shape": list(self.grid_shape)}
