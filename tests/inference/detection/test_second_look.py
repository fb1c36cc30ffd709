import numpy as np

from keras_3dmmstn.inference.detection.second_look import (
    SIZE,
    SecondLook,
    Sight,
    cut,
    turned_square,
)
from tests.support.portraits import PORTRAIT_BOX, portrait, turned


def test_a_square_is_centred_and_turned_back():
    matrix = turned_square(np.array([30.0, 40]), 64.0, np.pi / 2)
    middle = (SIZE - 1) / 2
    np.testing.assert_allclose(matrix @ [30, 40, 1], [middle, middle], atol=1e-9)
    # The top of a face that is turned clockwise by a quarter lies to the right in the picture, and
    # above the middle of the square.
    np.testing.assert_allclose(matrix @ [40, 40, 1], [middle, middle - 20], atol=1e-9)


def test_a_cut_reads_only_what_lies_around_it():
    image = np.zeros((400, 400, 3), np.uint8)
    image[90:111, 190:211] = [255, 0, 0]
    matrix = turned_square(np.array([200.0, 100]), 80.0, 0.3)
    square = cut(image, matrix, 80.0)
    assert square.shape == (SIZE, SIZE, 3)
    assert square[SIZE // 2, SIZE // 2].tolist() == [255, 0, 0] and not square[5, 5].any()


def test_a_cut_far_outside_of_a_picture_is_harmless():
    image = np.full((4, 4, 3), 255, np.uint8)
    matrix = turned_square(np.array([900.0, -50]), 10.0, 0.0)
    assert not cut(image, matrix, 10.0).any()


def test_a_look_tells_how_far_a_face_leans():
    look = SecondLook(1)
    for degrees in (-40, 0, 40):
        picture, _ = turned(portrait(), degrees)
        seen = look(picture, PORTRAIT_BOX, 0.0)
        assert seen.score > 0.7
        np.testing.assert_allclose(np.rad2deg(seen.lean), degrees, atol=10)
        assert seen.roll == seen.lean
        again = look(picture, PORTRAIT_BOX, seen.roll)
        assert abs(again.lean) < 0.15 and abs(again.roll - seen.roll) < 0.15


def test_the_box_of_a_sight_lies_in_the_photograph():
    square = np.array([20.0, 30, 80, 90])
    upright = Sight(1.0, 0.0, 0.0, square, np.eye(2, 3)).landmark_box()
    matrix = turned_square(np.array([300.0, 200]), 2.0 * SIZE, np.pi / 2)
    turned_sight = Sight(1.0, 0.0, np.pi / 2, square, matrix).landmark_box()
    size = upright[2:] - upright[:2]
    np.testing.assert_allclose(turned_sight[2:] - turned_sight[:2], 2 * size[::-1])
    middle = (upright[:2] + upright[2:]) / 2
    there = (turned_sight[:2] + turned_sight[2:]) / 2
    np.testing.assert_allclose(matrix @ [*there, 1], middle, atol=1e-9)


def test_a_face_that_leans_in_its_square_has_the_box_of_the_upright_one_turned():
    square = np.array([20.0, 30, 80, 90])
    upright = Sight(1.0, 0.0, 0.0, square, np.eye(2, 3)).landmark_box()
    upside_down = Sight(1.0, np.pi, 0.0, square, np.eye(2, 3)).landmark_box()
    # Turned by half a turn about the middle of the square, (50, 60).
    np.testing.assert_allclose(upside_down, [100, 120, 100, 120] - upright[[2, 3, 0, 1]])
