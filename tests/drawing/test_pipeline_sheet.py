"""Pictures of the pipeline."""

import keras
import numpy as np

from keras_3dmmstn import build_localiser
from keras_3dmmstn.drawing.pipeline_sheet import COLUMNS, pipeline_sheet
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_grid_model


def test_a_row_shows_input_mesh_texture_mask_and_masked_texture(rng):
    grid_model = toy_grid_model((24, 24))
    backbone = keras.Sequential([keras.Input((64, 64, 3)), keras.layers.GlobalAveragePooling2D()])
    normaliser = Normaliser(build_localiser(backbone, grid_model, 64), grid_model)
    normaliser.localiser.get_layer("head").bias.assign(
        [0, 0.8, *np.zeros(normaliser.localiser.output_shape[1] - 2)]
    )
    crops = rng.integers(40, 200, (2, 64, 64, 3), np.uint8)
    sheet = pipeline_sheet(normaliser, crops, size=64)
    assert sheet.shape == (128, 64 * len(COLUMNS), 3) and sheet.dtype == np.uint8

    for row, crop in enumerate(crops):
        shown = sheet[64 * row : 64 * row + 64].reshape(64, len(COLUMNS), 64, 3)
        picture, mesh, sampled, mask, masked = shown.transpose(1, 0, 2, 3)
        np.testing.assert_array_equal(picture, crop)
        # The mesh is drawn on the face in the middle, and not in the corners.
        changed = (mesh.astype(int) - picture).any(axis=-1)
        assert changed[24:40, 24:40].mean() > 0.1
        # The turned face hides a part of itself: that is black in the masked texture only.
        visible = mask[..., 0] == 255
        hidden = mask[..., 0] == 0
        assert visible.any() and hidden.any()
        np.testing.assert_array_equal(masked[visible], sampled[visible])
        assert (masked[hidden] == 0).all() and sampled[hidden].any()
