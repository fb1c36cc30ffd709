"""Cuts are noticed, and what is none is not."""

import numpy as np

from keras_3dmmstn.inference.video.scene_cuts import SceneCuts
from tests.support.portraits import astronaut, portrait
from tests.support.videos import moving_portrait


def cuts_in(frames):
    """The numbers of the frames with which a scene begins."""
    cuts = SceneCuts()
    return [number for number, frame in enumerate(frames) if cuts(frame)]


def test_another_picture_is_a_cut():
    assert cuts_in([portrait()] * 4 + [astronaut()] * 4 + [portrait()] * 2) == [4, 8]


def test_motion_is_no_cut():
    assert cuts_in(moving_portrait(8, step=(8, 3))) == []


def test_other_light_is_no_cut():
    image = portrait()
    dark, light = (image * 0.3).astype(np.uint8), np.clip(image * 1.5, 0, 255).astype(np.uint8)
    assert cuts_in([image, dark, image, light, image]) == []


def test_pictures_that_show_nothing_are_no_cut():
    grey = [np.full((40, 60, 3), level, np.uint8) for level in (0, 255, 90)]
    assert cuts_in(grey) == []


def test_black_before_the_first_picture_is_no_cut():
    black = np.zeros((200, 200, 3), np.uint8)
    assert cuts_in([black, black, portrait(), portrait()]) == []


def test_frames_may_change_their_size():
    assert cuts_in([portrait(), portrait()[::2, ::2]]) == []


def test_a_cut_through_black_is_one():
    black = np.zeros((200, 200, 3), np.uint8)
    assert cuts_in([portrait(), black, portrait(), black, astronaut()]) == [4]
