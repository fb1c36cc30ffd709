"""One face of several photographs: its shape, its texture, and what it can do."""

from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn import FusedFace, fuse
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from tests.support.portraits import PORTRAIT_BOX, portrait
from tests.support.small_network import small_normaliser


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained()


@pytest.fixture(scope="module")
def face(normaliser):
    (face,) = normaliser(portrait(), [PORTRAIT_BOX])
    return face


@pytest.fixture(scope="module")
def fused(face):
    return fuse([face], 256)


def test_the_face_of_one_photograph_is_that_face(face, fused):
    assert isinstance(fused, FusedFace)
    for name in ("identity", "expression"):
        np.testing.assert_allclose(fused.parameters[name], face.parameters[name], atol=1e-6)
    np.testing.assert_allclose(fused.vertices, face.vertices, atol=1e-3)
    sampled = face.resampled(256)
    np.testing.assert_array_equal(fused.mask, sampled.mask)
    assert np.abs(fused.texture.astype(int) - sampled.texture)[fused.mask].max() <= 1
    np.testing.assert_allclose(fused.shares, [1])


def test_it_looks_straight_ahead(fused):
    np.testing.assert_allclose(fused.pose, 0, atol=1e-6)


def test_its_points_are_places_in_its_texture(fused):
    corners = fused.points.reshape(*fused.grid_shape, 2)[[0, -1], [0, -1]]
    np.testing.assert_allclose(corners, [[0, 0], [255, 255]])
    left_eye, right_eye = (fused.landmarks()[i:j].mean(axis=0) for i, j in ((36, 42), (42, 48)))
    assert left_eye[0] < 128 < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < fused.landmarks()[57, 1], "the mouth is below"


def test_its_front_view_is_that_of_the_photograph(face, fused):
    ours, theirs = (f.front_view(128, background=(0, 0, 0)).astype(int) for f in (fused, face))
    both = (ours.sum(axis=2) > 0) & (theirs.sum(axis=2) > 0)
    assert both.mean() > 0.35
    assert np.abs(ours - theirs)[both].mean() < 6


def test_its_mesh_has_its_texture(fused):
    mesh = fused.textured_mesh()
    np.testing.assert_array_equal(mesh.texture, fused.texture)
    assert fused.mesh().vertices.shape == (len(fused.vertices), 3)
    assert "jawOpen" in fused.textured_mesh(blend_shapes=True).targets


def test_shape_is_the_mean_weighted_by_confidence(face):
    shift = np.ones(40, np.float32)
    other = replace(
        face,
        parameters={**face.parameters, "identity": face.parameters["identity"] + shift},
        confidence=0.6,
    )
    mean = fuse([replace(face, confidence=0.9), other], 64)
    np.testing.assert_allclose(
        mean.parameters["identity"] - face.parameters["identity"], 0.6 / 1.5, atol=1e-5
    )


def test_doubtful_faces_are_left_out_where_there_are_better(face):
    bad = replace(
        face,
        parameters={**face.parameters, "identity": face.parameters["identity"] + 9},
        confidence=0.1,
    )
    mean = fuse([replace(face, confidence=0.9), bad], 64)
    np.testing.assert_allclose(mean.parameters["identity"], face.parameters["identity"], atol=1e-6)
    np.testing.assert_allclose(mean.shares, [1, 0])
    alone = fuse([bad], 64)
    np.testing.assert_allclose(alone.parameters["identity"], bad.parameters["identity"], atol=1e-6)
    np.testing.assert_allclose(alone.shares, [1])


def test_a_blurred_photograph_counts_less(face):
    import cv2

    pixels = cv2.GaussianBlur(face.photograph.pixels, (0, 0), 3)
    blurred = replace(face, photograph=PhotographPart(pixels, face.photograph.corner))
    sharp_share, blurred_share = fuse([face, blurred], 128).shares
    assert sharp_share > 1.5 * blurred_share


def test_two_sides_cover_more_than_one(face):
    sides = []
    columns = np.tile(np.arange(112), 112)
    for hidden in (columns < 50, columns > 62):
        sides.append(replace(face, visible=face.visible & ~hidden))
    both = fuse(sides, 128).mask.mean()
    assert both > 1.5 * max(fuse([side], 128).mask.mean() for side in sides)
    assert both > 0.97 * fuse([face], 128).mask.mean()


def test_what_no_photograph_shows_is_filled_on_request(face):
    side = replace(face, visible=face.visible & (np.tile(np.arange(112), 112) < 60))
    fused = fuse([side], 128)
    assert not fused.mask[:, 80:].any()
    assert (fused.filled_texture()[:, 80:].sum(axis=2) > 0).mean() > 0.9
    seen = fused.mask
    np.testing.assert_array_equal(fused.filled_texture()[seen], fused.texture[seen])


def test_wrong_faces_are_named(face):
    with pytest.raises(ValueError, match="at least one face to fuse"):
        fuse([])
    with pytest.raises(TypeError, match=r"received (FusedFace|NormalisedFace)"):
        fuse(face)
    with pytest.raises(TypeError, match="face 0 is a list: a photograph's faces are a list"):
        fuse([[face]])
    with pytest.raises(TypeError, match="received dict"):
        fuse({1: face})
    with pytest.raises(ValueError, match="face 1 has no `photograph`"):
        fuse([face, replace(face, photograph=None)])
    (toy,) = small_normaliser()(portrait(), [PORTRAIT_BOX])
    with pytest.raises(ValueError, match="of one face model"):
        fuse([face, toy])
    with pytest.raises(ValueError, match="texture size"):
        fuse([face], 8)
