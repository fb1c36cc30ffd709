"""Descriptors of the people in photographs, with the bundled weights."""

from dataclasses import replace

import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference import person_descriptors as module
from keras_3dmmstn.inference.person_descriptors import person_descriptors
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from tests.support.portraits import portrait


@pytest.fixture(scope="module")
def normaliser():
    return Normaliser.pretrained()


def test_a_person_is_alike_in_other_pictures_of_the_same_moment(normaliser):
    picture = portrait()
    pictures = [
        picture,
        picture[:, ::-1].copy(),
        (picture * 0.6).astype(np.uint8),
        picture[::2, ::2],
    ]
    found = np.concatenate([normaliser.describe(one) for one in pictures])
    assert found.shape[0] == 4 and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (found @ found.T).min() > 0.85


def test_a_box_gives_what_the_detector_gives_and_no_face_none(normaliser):
    (face,) = normaliser(portrait())
    described = normaliser.describe(portrait(), face.box[None])
    assert (described @ normaliser.describe(portrait()).T).item() > 0.98
    grey = np.full((80, 80, 3), 127, np.uint8)
    assert normaliser.describe(grey).shape == (0, described.shape[1])


def test_faces_of_another_face_model_are_refused(normaliser):
    (face,) = normaliser(portrait())
    for other in (toy_grid_model((16, 16)), None):
        with pytest.raises(ValueError, match="expects faces of the bundled face model"):
            person_descriptors([replace(face, grid_model=other)])


def test_faces_with_other_modes_of_identity_are_refused(normaliser):
    (face,) = normaliser(portrait())
    model = face.grid_model
    fewer = replace(model, identity_count=model.identity_count - 1, expression_units={})
    turned = replace(model, basis=model.basis[::-1])
    for other in (fewer, turned):
        with pytest.raises(ValueError, match="expects faces of the bundled face model"):
            person_descriptors([replace(face, grid_model=other)])


def test_threads_that_begin_together_read_the_files_once(monkeypatch):
    held = []

    def read():
        held.append(module._LOADING.locked())
        raise FileNotFoundError

    monkeypatch.setattr(module, "_bundled", read)
    with pytest.raises(FileNotFoundError):
        person_descriptors([])
    assert held == [True] and not module._LOADING.locked()
