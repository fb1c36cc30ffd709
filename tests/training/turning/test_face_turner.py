"""Photographed faces drawn in another pose."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.mesh.visibility.contour import outermost
from keras_3dmmstn.training.data.completion import DOUBTFUL
from keras_3dmmstn.training.data.crops import cut_faces
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET, LabelledFaces
from keras_3dmmstn.training.turning.face_turner import FaceTurner

FACE = GridModel.bundled()
TURNER = FaceTurner(FACE)
VERTICES = FACE.landmark_indices(LANDMARK_SET)
SCALE, SHIFT = 1.2, np.array([150.0, 140.0])


def photographed(yaw=0.0, roll=0.0):
    """A plain photograph of the mean face, and its labels `(89, 3)`."""
    rotation = cv2.Rodrigues(np.array([0, -yaw, 0.0]))[0]
    rotation = cv2.Rodrigues(np.array([0, 0, roll]))[0] @ rotation
    turned = FACE.mean.astype(float) @ rotation.T
    vertices = VERTICES.copy()
    lines, outward = contour_lines(FACE)
    positions = outermost(turned[lines][..., :2], outward, rotation)
    vertices[:17] = lines[np.arange(17), positions]
    labels = np.column_stack([SCALE * turned[vertices, :2] + SHIFT, np.ones(89)])
    return np.full((300, 300, 3), 60, np.uint8), labels


def with_dot(photograph, place):
    """The photograph with a soft white dot at a place (x, y)."""
    y, x = np.mgrid[: len(photograph), : photograph.shape[1]]
    dot = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 2.5**2))
    return (photograph + 180 * dot[..., None]).astype(np.uint8)


def centre_of_dot(image):
    weight = np.clip(image[..., 0].astype(float) - 70, 0, None)
    y, x = np.indices(weight.shape)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def turned(photograph, labels, yaw, pitch=0.0, turner=TURNER):
    return turner.turn(photograph, labels, turner.fitter.fit(labels), yaw, pitch)


@pytest.mark.parametrize("yaw", [0.0, 0.5])
def test_without_a_turn_the_stored_crop_comes_back(yaw, tmp_path):
    photograph, labels = photographed(yaw)
    rng = np.random.default_rng(0)
    noise = cv2.resize(rng.uniform(0, 255, (30, 30, 3)), (300, 300), interpolation=cv2.INTER_CUBIC)
    photograph = np.clip(noise, 0, 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "face.png"), photograph[..., ::-1])
    only_68 = labels.copy()
    only_68[68:, 2] = 0
    crop = cut_faces(LabelledFaces((tmp_path / "face.png",), only_68[None]))

    face = turned(photograph, labels, 0.0)
    moved = np.linalg.norm(face.landmarks[:68, :2] - crop.landmarks[0, :68, :2], axis=1)
    # A point of the jaw is the outermost of several vertices, and two may be equally far out.
    assert np.sum(moved > 0.5) <= 1
    assert moved[17:].max() < 0.5
    difference = np.abs(face.image.astype(float) - crop.images[0])[3:-3, 3:-3]
    assert np.median(difference) < 4  # it is sampled twice, which blurs
    assert face.yaw == pytest.approx(yaw, abs=5e-3)  # the fit's prior turns it back a little


@pytest.mark.parametrize("point", [36, 30, 48, 8, 68 + 17])  # seen in both poses
@pytest.mark.parametrize(("yaw", "pitch"), [(0.7, 0.0), (0.3, 0.2), (1.0, -0.2)])
def test_what_the_photograph_shows_at_a_point_is_at_the_turned_point(point, yaw, pitch):
    photograph, labels = photographed(roll=0.2)
    photograph = with_dot(photograph, labels[point, :2])
    face = turned(photograph, labels, yaw, pitch)
    distance = np.linalg.norm(centre_of_dot(face.image) - face.landmarks[point, :2])
    # The dot is 5 pixels wide and lies on a curved surface.
    assert distance < (1.5 if point != 8 else 6)  # the chin's contour slides over the surface


def test_points_go_where_their_labels_say_more_than_where_the_model_is():
    photograph, labels = photographed()
    labels[[48, 49, 59, 60], :2] += [-6, 6]  # a mouth that the model does not have
    photograph = with_dot(photograph, labels[48, :2])
    fit = TURNER.fitter.fit(labels)
    face = TURNER.turn(photograph, labels, fit, 0.0)
    fitted = fit.project(FACE.shape(fit.coefficients)[fit.vertices[48:49]])[0]
    pixels = np.ptp(face.landmarks[:68, 1]) / np.ptp(labels[:68, 1])  # of the picture, in one
    uncorrected = pixels * np.linalg.norm(fitted - labels[48, :2])
    distance = np.linalg.norm(centre_of_dot(face.image) - face.landmarks[48, :2])
    # The correction is smooth: the lips' other points, which fit, hold it back.
    assert uncorrected > 2 and distance < 0.8 * uncorrected


def test_a_positive_turn_takes_the_nose_to_image_right():
    photograph, labels = photographed()

    def nose(yaw):
        points = turned(photograph, labels, yaw).landmarks
        return points[30, 0] - points[[36, 45], 0].mean()

    assert nose(-0.4) < -5 and abs(nose(0.0)) < 1 and nose(0.4) > 5
    assert turned(photograph, labels, 0.4).yaw == pytest.approx(0.4, abs=1e-3)


def test_a_positive_pitch_raises_the_nose_between_eyes_and_chin():
    photograph, labels = photographed()

    def nose(pitch):
        points = turned(photograph, labels, 0.0, pitch).landmarks[:, 1]
        return (points[30] - points[[36, 45]].mean()) / (points[8] - points[[36, 45]].mean())

    assert nose(0.25) < nose(0.0) - 0.05 < nose(-0.25) - 0.1


def test_points_behind_the_nose_are_doubtful_or_gone():
    photograph, labels = photographed()
    confidence = turned(photograph, labels, 1.2).landmarks[:, 2]  # image-right is far
    assert confidence[45] == DOUBTFUL and confidence[68 + 11] == 0  # right eye's outer corner
    assert confidence[36] == 1 and confidence[68 + 6] == 1  # left eye's
    assert (turned(photograph, labels, 0.0).landmarks[:, 2] == 1).all()


def test_a_point_that_is_not_labelled_is_doubtful():
    photograph, labels = photographed()
    labels[[30, 40]] = [np.nan, np.nan, 0]
    face = turned(photograph, labels, 0.3)
    assert (face.landmarks[[30, 40], 2] == DOUBTFUL).all() and np.isfinite(face.landmarks).all()


def test_the_picture_is_full_in_large_poses():
    photograph, labels = photographed()
    large = cv2.copyMakeBorder(photograph, *[300] * 4, cv2.BORDER_REPLICATE)
    labels[:, :2] += 300
    for yaw in (-1.3, 1.3):
        assert turned(large, labels, yaw).image.min() == 60


def test_the_size_of_the_picture_is_free():
    photograph, labels = photographed()
    small = turned(photograph, labels, 0.5)
    large = turned(photograph, labels, 0.5, turner=FaceTurner(FACE, 2 * len(small.image)))
    assert large.image.shape == (384, 384, 3)
    np.testing.assert_allclose(
        (large.landmarks[:, :2] + 0.5) / 2, small.landmarks[:, :2] + 0.5, atol=1e-3
    )
