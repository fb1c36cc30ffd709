import numpy as np

from keras_3dmmstn.drawing.landmark_errors import landmark_picture
from keras_3dmmstn.mesh.synthetic import toy_grid_model


def test_a_larger_error_has_a_larger_and_redder_circle():
    # On eyebrows and chin of the toy face: far from each other.
    rows = [
        {"set": "ibug68", "point": 8, "percent": 8.0},
        {"set": "ibug68", "point": 19, "percent": 2.0},
    ]
    picture = landmark_picture(toy_grid_model((48, 48)), rows).astype(int)
    red = (picture[..., 0] > 220) & (picture[..., 1] < 60)
    green = (picture[..., 1] > 150) & (picture[..., 0] < 160) & (picture[..., 2] < 90)
    assert red.sum() > 8 * green.sum() > 0
    assert np.nonzero(red)[0].mean() > np.nonzero(green)[0].mean()  # the chin is below
