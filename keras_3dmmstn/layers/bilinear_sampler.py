"""The bilinear sampler layer."""

import keras

from keras_3dmmstn.ops import sampling


@keras.saving.register_keras_serializable(package="keras_3dmmstn")
class BilinearSampler(keras.layers.Layer):
    """Samples the image bilinearly at the grid's points; outside the image is 0.

    Gradients flow to both the image and the grid.

    Call arguments:
        image: `(batch, height, width, channels)` tensor.
        grid: `(batch, H', W', 2)` tensor of (x, y) in pixels of the image.

    Returns:
        `(batch, H', W', channels)` texture.

    Raises:
        ValueError: if the shapes are wrong.

    Example:

    >>> image = np.array([[0.0, 10.0], [20.0, 30.0]])[None, :, :, None]
    >>> between_the_upper_two = np.array([[[[0.5, 0.0]]]])
    >>> BilinearSampler()(image, between_the_upper_two).numpy().item()
    5.0

    Source:
        Bas et al. 2017, sec. 2.3, "Bilinear sampling".
    """

    def build(self, image_shape, grid_shape):
        if len(image_shape) != 4 or len(grid_shape) != 4 or grid_shape[-1] != 2:
            raise ValueError(
                "BilinearSampler expects `image` of shape (batch, height, width, channels) and "
                f"`grid` of shape (batch, H', W', 2), received shapes {tuple(image_shape)} and "
                f"{tuple(grid_shape)}."
            )

    def call(self, image, grid):
        return sampling.sample_bilinear(image, grid)

    def compute_output_shape(self, image_shape, grid_shape):
        return (*grid_shape[:-1], image_shape[-1])
