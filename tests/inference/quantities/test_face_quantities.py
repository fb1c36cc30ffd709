"""What is measured of a face, as the normaliser makes it."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.quantities.face_quantities import FaceQuantities
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from tests.support.faces_with_labels import normaliser_that_says
from tests.support.portraits import PORTRAIT_BOX, portrait


@pytest.fixture(scope="module")
def pretrained():
    return Normaliser.pretrained()


@pytest.fixture(scope="module")
def face(pretrained):
    return pretrained(portrait(), [PORTRAIT_BOX])[0]


def test_sizes_are_those_of_the_landmarks(face):
    points, quantities = face.landmarks(), face.quantities()
    assert quantities.width == pytest.approx(points[:, 0].max() - points[:, 0].min())
    assert quantities.height == pytest.approx(points[:, 1].max() - points[:, 1].min())
    left, right = (points[36] + points[39]) / 2, (points[42] + points[45]) / 2
    assert quantities.inter_eye_distance == pytest.approx(np.hypot(*(right - left)), rel=1e-6)


def test_pose_and_share_are_those_of_the_face(face):
    quantities = face.quantities()
    assert (quantities.yaw, quantities.pitch, quantities.roll) == face.pose
    assert quantities.visible_share == face.mask.mean()


def test_a_grey_photograph_has_its_brightness_and_no_sharpness():
    grey = np.full((200, 240, 3), 90, np.uint8)
    (face,) = normaliser_that_says()(grey, [[60, 50, 160, 150]])
    quantities = face.quantities()
    assert quantities.brightness == pytest.approx(90)
    assert quantities.contrast == quantities.light_difference == quantities.sharpness == 0


def test_the_size_of_the_texture_changes_nothing_but_the_share(pretrained, face, monkeypatch):
    monkeypatch.setattr(pretrained, "texture_size", 256)
    (other,) = pretrained(portrait(), [PORTRAIT_BOX])
    assert other.texture.shape == (256, 256, 3)
    share = {"visible_share": face.mask.mean()}
    assert other.quantities()._replace(**share) == face.quantities()


def test_a_larger_copy_of_a_photograph_measures_nearly_the_same(pretrained, face):
    copy = cv2.resize(portrait(), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    (larger,) = pretrained(copy, [2 * PORTRAIT_BOX + 0.5])
    one, two = face.quantities(), larger.quantities()
    assert two.width == pytest.approx(2 * one.width, rel=0.01)
    assert two.brightness == pytest.approx(one.brightness, rel=0.01)
    # The cubic enlargement blurs less than the bilinear sampling of the small photograph.
    assert two.sharpness == pytest.approx(one.sharpness, abs=0.05)


def test_a_blurred_photograph_is_less_sharp(pretrained, face):
    blurred = cv2.GaussianBlur(portrait(), (0, 0), 2)
    (other,) = pretrained(blurred, [PORTRAIT_BOX])
    assert other.quantities().sharpness < 0.6 * face.quantities().sharpness


def test_the_portrait_smiles_with_open_eyes(face):
    quantities = face.quantities()
    assert quantities.mouth_open and quantities.mouth_opening > 0.1
    assert not (quantities.left_eye_closed or quantities.right_eye_closed)


def test_openings_do_not_depend_on_the_pose(face):
    rotation = {"rotation": np.array([0.2, 0.7, 0.1], np.float32)}
    turned = replace(face, parameters=face.parameters | rotation).quantities()
    assert abs(turned.yaw - face.quantities().yaw) > 20
    for name in ("mouth_opening", "left_eye_opening", "right_eye_opening"):
        assert getattr(turned, name) == getattr(face.quantities(), name)


def test_a_face_outside_of_its_photograph_has_no_light(face):
    points, nothing = face.points + 5000, np.zeros_like(face.visible)
    part = PhotographPart.around(portrait(), points)
    outside = replace(
        face, points=points, visible=nothing, photograph=part, mask=np.zeros_like(face.mask)
    )
    quantities = outside.quantities()
    assert quantities.visible_share == 0
    assert quantities.sharpness is quantities.brightness is quantities.contrast is None
    assert quantities.light_difference is None


def test_quantities_are_plain_numbers(face):
    quantities = face.quantities()
    kinds = FaceQuantities.__annotations__
    assert {name: type(value) for name, value in quantities._asdict().items()} == {
        name: bool if kind is bool else float for name, kind in kinds.items()
    }


def test_a_face_without_its_photograph_or_landmarks_is_refused(face):
    with pytest.raises(ValueError, match="received one without photograph"):
        replace(face, photograph=None).quantities()
    with pytest.raises(ValueError, match="received one without landmarks ibug68"):
        replace(face, landmark_indices={}).quantities()
