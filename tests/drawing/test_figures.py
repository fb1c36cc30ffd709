"""The paper's figures, of a toy face whose place in the photograph is known."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.drawing import figures
from keras_3dmmstn.drawing.overlay import draw_fit
from keras_3dmmstn.drawing.panels import resized
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.texture import sample_photograph
from tests.support.faces_with_labels import normaliser_that_says

BOX = [60.0, 50.0, 160.0, 150.0]
GAP, CAPTION = 6, 24


@pytest.fixture(scope="module")
def turned():
    return normaliser_that_says((0, 2, 0.2))


@pytest.fixture(scope="module")
def photograph():
    """Red is x and green is y."""
    y, x = np.mgrid[:200, :240]
    return np.stack([x, y, np.full_like(x, 90)], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def face(turned, photograph):
    return turned(photograph, [BOX])[0]


def panels(picture, size, count):
    return [picture[:size, n * (size + GAP) :][:, :size] for n in range(count)]


def test_uv_figure_has_face_flattening_and_geometry_image(turned):
    picture = figures.uv_figure(turned.grid_model)
    assert picture.shape == (400 + CAPTION, 3 * 400 + 2 * GAP, 3)
    face, flattened, geometry = panels(picture, 400, 3)
    assert (face[0, 0] == 255).all() and (face[200, 200] < 255).any()
    assert np.abs(flattened.astype(int) - flattened[:, ::-1]).mean() > 1  # shaded from one side
    # x grows to the right in red, y downwards in green.
    red, green = geometry[..., 0].astype(int), geometry[..., 1].astype(int)
    assert red[200, 390] > red[200, 200] > red[200, 10]
    assert green[390, 200] > green[200, 200] > green[10, 200]


def test_the_checkerboard_is_mirror_symmetric_and_has_both_colours():
    board = figures._checkerboard((30, 45))
    np.testing.assert_array_equal(board, board[:, ::-1])
    assert (board[0, 0] != board[0, 3]).any() and (board[0, 0] != board[2, 0]).any()
    assert len(np.unique(board.reshape(-1, 3), axis=0)) == 2


def test_pipeline_figure_shows_what_the_network_does(turned, photograph, face):
    picture = figures.pipeline_figure(photograph, face, turned.grid_model)
    assert picture.shape == (260 + CAPTION, 5 * 260 + 4 * GAP, 3)
    given, mesh, sampled, mask, masked = panels(picture, 260, 5)
    np.testing.assert_array_equal(given, figures.face_crop(photograph, face, 260))
    np.testing.assert_array_equal(
        mesh, figures.fitted_mesh(photograph, face, turned.grid_model, 260)
    )
    grid = face.points.reshape(*face.grid_shape, 2)
    np.testing.assert_array_equal(sampled, resized(sample_photograph(photograph, grid), 260))
    np.testing.assert_array_equal(masked, resized(face.texture, 260))
    inside = mask[2:-2, 2:-2]
    assert set(np.unique(inside)) == {0, 255}
    assert (inside == 255).mean() == pytest.approx(face.mask.mean(), abs=0.02)


def test_figures_show_a_texture_of_any_size(turned, photograph, face):
    larger = Normaliser(turned.localiser, turned.grid_model, texture_size=96)
    (finer,) = larger(photograph, [BOX])
    picture = figures.pipeline_figure(photograph, finer, turned.grid_model)
    _, mesh, sampled, mask, masked = panels(picture, 260, 5)
    before = figures.pipeline_figure(photograph, face, turned.grid_model)
    np.testing.assert_array_equal(mesh, panels(before, 260, 5)[1])
    np.testing.assert_array_equal(masked, resized(finer.texture, 260))
    assert (mask[2:-2, 2:-2] == 255).mean() == pytest.approx(finer.mask.mean(), abs=0.02)
    seen = resized(finer.mask.astype(np.uint8), 260) > 0
    inner = cv2.erode(seen.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert inner.any()
    np.testing.assert_array_equal(sampled[inner], masked[inner])


def test_an_overlay_does_not_depend_on_the_size_of_the_texture(turned, photograph, face):
    larger = Normaliser(turned.localiser, turned.grid_model, texture_size=96)
    overlay = draw_fit(photograph, larger(photograph, [BOX]))
    np.testing.assert_array_equal(overlay, draw_fit(photograph, [face]))


def test_the_fitted_mesh_covers_the_face_and_leaves_the_rest(turned, photograph, face):
    size = 200
    crop = figures.face_crop(photograph, face, size)
    mesh = figures.fitted_mesh(photograph, face, turned.grid_model, size)
    changed = (np.abs(mesh.astype(int) - crop) > 2).any(axis=2)
    matrix = figures.framing.crop_matrix(face.box, size)
    points = figures.framing.apply_similarity(matrix, face.points)
    low, high = points.min(axis=0), points.max(axis=0)
    rows, columns = np.nonzero(changed)
    np.testing.assert_allclose([columns.min(), rows.min()], np.maximum(low, 0), atol=2)
    np.testing.assert_allclose([columns.max(), rows.max()], np.minimum(high, size - 1), atol=2)


def test_person_figure_has_a_texture_below_each_photograph(turned, photograph, face):
    other = turned(photograph, [[30.0, 30.0, 120.0, 120.0]])[0]
    picture = figures.person_figure([photograph, photograph], [face, other])
    size = 168
    assert picture.shape == (2 * size + GAP, 2 * size + GAP, 3)
    right_below = picture[size + GAP :, size + GAP :]
    np.testing.assert_array_equal(right_below, resized(other.texture, size))
    np.testing.assert_array_equal(picture[:size, :size], figures.face_crop(photograph, face, size))


def test_a_montage_has_the_textures_row_by_row(turned, photograph, face):
    other = turned(photograph, [[30.0, 30.0, 120.0, 120.0]])[0]
    picture = figures.texture_montage([face, other, face], size=60, columns=2)
    assert picture.shape == (2 * 60 + GAP, 2 * 60 + GAP, 3)
    np.testing.assert_array_equal(picture[:60, 60 + GAP :], resized(other.texture, 60))
    np.testing.assert_array_equal(picture[60 + GAP :, :60], resized(face.texture, 60))


def test_mean_textures_stand_in_rows_with_their_names_below():
    textures = {f"person_{n}": np.full((24, 24, 3), 40 * n, np.uint8) for n in range(3)}
    counts = dict.fromkeys(textures, 5)
    picture = figures.mean_texture_figure(textures, counts, columns=2)
    height = 168 + CAPTION
    assert picture.shape == (2 * height + GAP, 2 * 168 + GAP, 3)
    assert picture[80, 250, 0] == 40 and picture[height + GAP + 80, 80, 0] == 80
    assert (picture[168:height, :168] < 128).any()  # the caption
