"""`keras-3dmmstn face-model render`, run as a user runs it."""

from dataclasses import replace

import cv2
import numpy as np

from keras_3dmmstn import GridModel
from keras_3dmmstn.drawing.face_model_pictures import mode_names, modes_picture
from keras_3dmmstn.mesh.synthetic import toy_grid_model
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
    front, moved = modes[:160, :160], modes[:160, 160:320]
    assert (front != moved).any(), "−2.5 and +2.5 differ"


def test_modes_are_named_in_a_picture_about_as_wide_as_high():
    toy = toy_grid_model((16, 16))
    face = replace(toy, basis=np.zeros((40, *toy.mean.shape)), identity_count=30)
    picture = modes_picture(face)
    height, width = picture.shape[:2]
    assert 2 / 3 < height / width < 3 / 2
    assert (picture[160:184, :640] < 100).any()  # the name of the first
    assert mode_names(face)[28:32] == ["identity 28", "identity 29", "expression 0", "expression 1"]


def test_the_layout_shows_the_landmarks_where_they_are(model, tmp_path):
    render(model, "--out", tmp_path)
    layout = cv2.imread(str(tmp_path / "layout.png"))[..., ::-1].astype(int)
    grid = GridModel.load(model)
    row, column = np.divmod(grid.landmarks["ibug68"], 48)
    x, y = np.round(column * 895 / 47).astype(int), np.round(row * 895 / 47).astype(int)
    red = layout[y, x, 0] - layout[y, x, 1:].max(axis=1)
    assert (red > 100)[17:].mean() > 0.6  # aflw21 is drawn over some
