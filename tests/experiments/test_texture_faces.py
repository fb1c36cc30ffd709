"""Faces as the pixels of their textures."""

import numpy as np
import pytest
from texture_faces import fitted_photographs, surface_of, texel_areas, texture_face

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.feature_layout import cell_areas
from keras_3dmmstn.network import framing
from tests.support.faces_with_labels import BOX, normaliser_that_says, write_photographs


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says((0, 1, 0))


def test_at_the_grids_size_points_mask_and_texture_are_the_faces_own(normaliser, tmp_path):
    (path,) = write_photographs(tmp_path, 1)
    photograph = read_photograph(path)
    (face,) = normaliser(photograph, [BOX])
    ours = texture_face(face, 24)
    np.testing.assert_allclose(ours.points.reshape(-1, 2), face.points, rtol=1e-5)
    np.testing.assert_array_equal(ours.mask, face.mask)
    black = ours.mask[..., None].astype(np.uint8)
    difference = ours.texture(photograph).astype(int) * black - face.texture
    assert np.abs(difference).max() <= 1


def test_photographs_without_a_box_are_left_out(normaliser, tmp_path):
    paths = write_photographs(tmp_path, 3)
    boxes = np.stack([BOX, np.full(4, np.nan), BOX])
    fits = list(fitted_photographs(normaliser, paths, boxes, 30))
    assert [number for number, *_ in fits] == [0, 2]
    assert all(face.points.shape == (30, 30, 2) for *_, face in fits)


def test_a_second_look_is_framed_by_the_first_ones_landmarks(normaliser, tmp_path):
    paths = write_photographs(tmp_path, 1)
    ((_, photograph, face),) = fitted_photographs(normaliser, paths, BOX[None], 24, looks=2)
    (first,) = normaliser(photograph, [BOX])
    np.testing.assert_allclose(face.box, framing.tight_box(first.landmarks()))


def test_texels_cover_the_mean_face(normaliser):
    model = normaliser.grid_model
    assert surface_of(model, 24).shape == (24, 24, 3)
    areas = texel_areas(model, 24)
    assert areas[1:-1, 1:-1].sum() < cell_areas(model).sum() < areas.sum()
    finer = texel_areas(model, 93)
    assert 16 * np.median(finer) == pytest.approx(np.median(areas), rel=0.1)
