"""How a face shows itself: a line of text, and a picture in a notebook."""

import dataclasses

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.portraits import portrait


@pytest.fixture(scope="module")
def face():
    (only,) = Normaliser.pretrained()(portrait())
    return only


def test_a_face_says_on_one_line_what_it_is(face):
    text = repr(face)
    assert text.startswith("NormalisedFace(box (") and "\n" not in text and len(text) < 120
    assert f"yaw {round(face.pose.yaw)}°" in text and f"{face.mask.mean():.0%} seen" in text
    assert "confidence" not in repr(dataclasses.replace(face, confidence=None))


def test_a_notebook_shows_photograph_texture_and_front_view(face):
    shown = cv2.imdecode(np.frombuffer(face._repr_png_(), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert shown.shape[0] == 240
    texture = cv2.resize(face.texture, (240, 240), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(shown[:, -488:-248], texture)
    np.testing.assert_array_equal(shown[:, -240:], face.front_view(240))
    # The landmarks are green discs on the photograph: that of the nose's tip among them.
    part = face.photograph
    scale = 240 / max(part.pixels.shape[:2])
    x, y = (face.landmarks()[30] - part.corner + 0.5) * scale - 0.5
    top = (240 - round(part.pixels.shape[0] * scale)) // 2
    assert np.abs(shown[top + round(y), round(x)].astype(int) - [60, 220, 60]).max() < 40


def test_a_face_without_its_photograph_shows_no_picture(face):
    assert dataclasses.replace(face, photograph=None)._repr_png_() is None
