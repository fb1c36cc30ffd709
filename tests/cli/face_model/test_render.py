"""`keras-3dmmstn face-model render`, run as a user runs it."""

import cv2
import numpy as np

from keras_3dmmstn import GridModel
from tests.support.command_line import run


def render(*arguments):
    return run("face-model", "render", *arguments)


def test_render_draws_mean_modes_geometry_image_and_layout(model, tmp_path):
    result = render(model, "--out", tmp_path / "pictures")
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert names == {"mean.png", "modes.png", "geometry_image.png", "layout.png"}
    for name in names:
        assert name in result.output
        assert cv2.imread(str(tmp_path / "pictures" / name)).std() > 5
    modes = cv2.imread(str(tmp_path / "pictures" / "modes.png"))
    assert modes.shape[0] == 6 * 256
    front, moved = modes[:256, :256], modes[:256, 256:512]
    assert (front != moved).any(), "−2.5 and +2.5 differ"


def test_the_layout_shows_the_landmarks_where_they_are(model, tmp_path):
    render(model, "--out", tmp_path)
    layout = cv2.imread(str(tmp_path / "layout.png"))[..., ::-1].astype(int)
    grid = GridModel.load(model)
    row, column = np.divmod(grid.landmarks["ibug68"], 48)
    x, y = np.round(column * 895 / 47).astype(int), np.round(row * 895 / 47).astype(int)
    red = layout[y, x, 0] - layout[y, x, 1:].max(axis=1)
    assert (red > 100)[17:].mean() > 0.6  # aflw21 is drawn over some
