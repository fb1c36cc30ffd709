import numpy as np

from keras_3dmmstn.drawing.cumulative_curve import draw_curves


def test_the_curve_rises_from_the_lower_left_to_the_upper_right():
    levels = np.linspace(0, 10, 101)
    description = {
        "threshold_percent": 10.0,
        "cumulative_curve": {"percent": levels, "share": (levels >= 5).astype(float)},
        "area_under_curve": 0.5,
    }
    picture = draw_curves({"faces": description}).astype(int)
    blue = (picture[..., 2] > 150) & (picture[..., 0] < 60)
    plot = blue[24:420, 70:696]
    left, right = plot[:, :240], plot[:, 330:]  # the legend is between them
    assert np.nonzero(left)[0].min() > 380  # on the axis below
    assert right[:3].any(axis=0).mean() > 0.95  # along the top
