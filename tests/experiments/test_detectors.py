"""Pictures with labelled faces, and how detectors are measured on them."""

import numpy as np
import pytest
from changed_scenes import at_size, group, resized, turned, without_faces
from detectors import eye_roll, measure, overlaps
from labelled_scenes import Scene, size_of

from keras_3dmmstn.inference.detection import FoundFaces


def face_at(x, y, size=40.0):
    """68 points on a circle, the eyes on a level line."""
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = np.column_stack([np.cos(angles), np.sin(angles)]) * size / 2
    points[36:42], points[42:48] = [-size / 4, 0], [size / 4, 0]
    return points + [x, y]


def scene_with_a_dot(x=70, y=50):
    """A black picture, white where the face has its middle."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    return Scene(image, [face_at(x, y)])


def assert_dot_is_in_the_face(scene):
    box = scene.boxes[0]
    x, y = np.round((box[:2] + box[2:]) / 2).astype(int)
    assert scene.image[y, x].min() > 200


class Fixed:
    """A detector that always finds the same."""

    def __init__(self, boxes, rolls):
        self.found = FoundFaces(np.array(boxes, float), np.ones(len(boxes)), np.array(rolls))

    def find(self, image):
        return self.found


def test_overlap_is_intersection_over_union():
    boxes, others = np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2], [5, 5, 6, 6]])
    np.testing.assert_allclose(overlaps(boxes, others), [[1 / 3, 0]])


def test_recall_false_alarms_and_rolls_are_counted():
    scene = Scene(np.zeros((200, 200, 3), np.uint8), [face_at(50, 50), face_at(150, 150)])
    detector = Fixed([[31, 31, 71, 71], [100, 0, 140, 40]], [0.1, 0.0])
    measured = measure(detector, [scene, scene])
    assert measured["recall"] == 50 and measured["false_alarms"] == 1
    assert measured["roll_error"] == pytest.approx(np.rad2deg(0.1), abs=0.05)
    assert measure(detector, [Scene(scene.image, [])]) == {"pictures": 1, "false_alarms": 2}


@pytest.mark.parametrize("degrees", [0, 30, 90, 200])
def test_a_turned_scene_is_turned_clockwise_with_its_labels(degrees):
    scene = turned(scene_with_a_dot(), degrees)
    assert_dot_is_in_the_face(scene)
    roll = np.rad2deg(eye_roll(scene.faces[0]))
    assert (roll - degrees + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5])
def test_a_scene_of_another_size_keeps_its_labels_on_the_face(scale):
    scene = resized(scene_with_a_dot(), scale)
    assert scene.image.shape[:2] == (120 * scale, 160 * scale)
    assert size_of(scene.faces[0]) == pytest.approx(scale * size_of(face_at(0, 0)))
    assert_dot_is_in_the_face(scene)


@pytest.mark.parametrize("size", [24, 200, 700])
def test_a_face_of_any_size_lies_in_its_picture(size, rng):
    scene = at_size(scene_with_a_dot(), size, (320, 240), rng)
    assert size_of(scene.faces[0]) == pytest.approx(size)
    assert_dot_is_in_the_face(scene)


def test_a_group_has_its_faces_apart(rng):
    scenes = [scene_with_a_dot() for _ in range(12)]
    scene = group(scenes, [60.0] * 12, [0.0] * 11 + [180.0], rng)
    assert len(scene.faces) == 12
    for face in scene.faces:
        assert_dot_is_in_the_face(Scene(scene.image, [face]))
    assert np.triu(overlaps(scene.boxes, scene.boxes), 1).max() == 0
    assert abs(eye_roll(scene.faces[11])) == pytest.approx(np.pi)


def test_pictures_without_faces_leave_the_face_out(rng):
    image = np.full((300, 300, 3), 255, np.uint8)
    image[100:200, 100:200] = 0
    pictures = without_faces([Scene(image, [face_at(150, 150, 100)])], rng)
    # Left, right, below; and those that are made.
    assert all(picture.min() == 255 for picture in pictures[:3])
    assert len(pictures) == 3 + 30 + 4
