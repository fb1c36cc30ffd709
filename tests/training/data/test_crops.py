"""Faces cut out of their photographs: framed, labelled, and not stopped by a broken file."""

import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.training.data.crops import cut_faces, in_threads
from keras_3dmmstn.training.data.labelled_faces import FIVE_POINTS, LabelledFaces
from keras_3dmmstn.training.data.skipped import Skipped
from tests.support.face_folders import spot_of, spotted_faces, with_orientation


@pytest.fixture
def faces(tmp_path):
    return spotted_faces(tmp_path)


def test_crops_are_centred_and_keep_landmarks_in_place(faces):
    crops = cut_faces(faces)
    assert crops.images.shape == (3, 192, 192, 3) and crops.kept.tolist() == [0, 1, 2]
    for image, landmarks in zip(crops.images, crops.landmarks, strict=True):
        points = landmarks[:68, :2]
        low, high = points.min(axis=0), points.max(axis=0)
        np.testing.assert_allclose((low + high) / 2, 95.5, atol=1e-3)
        np.testing.assert_allclose(spot_of(image), landmarks[30, :2], atol=0.3)
        # The network's square is 1.7 landmark boxes wide.
        np.testing.assert_allclose(crops.crop_side / (high - low).max(), 1.7, rtol=1e-5)


def test_faces_with_five_points_are_framed_like_those_with_all(faces):
    expected = cut_faces(faces)
    hidden = np.setdiff1d(np.arange(89), FIVE_POINTS)
    faces.landmarks[:, hidden] = [np.nan, np.nan, 0]
    crops = cut_faces(faces)
    for image, other in zip(crops.images, expected.images, strict=True):
        np.testing.assert_allclose(spot_of(image), spot_of(other), atol=4)  # of 192 pixels
    known = list(FIVE_POINTS)
    np.testing.assert_allclose(
        crops.landmarks[:, known, :2], expected.landmarks[:, known, :2], atol=5
    )


def test_points_without_label_are_zero(faces):
    faces.landmarks[:, 5] = [np.nan, np.nan, 0]
    faces.landmarks[:, 70] = [3, 4, 0]
    crops = cut_faces(faces)
    assert (crops.landmarks[:, [5, 70]] == 0).all() and np.isfinite(crops.landmarks).all()


def test_the_size_of_the_crops_is_an_option(faces):
    large = cut_faces(faces, size=384)
    assert large.images.shape == (3, 384, 384, 3) and large.crop_side == 256
    for image, landmarks in zip(large.images, large.landmarks, strict=True):
        np.testing.assert_allclose(spot_of(image), landmarks[30, :2], atol=0.3)


def test_missing_and_broken_photographs_are_named_and_skipped(faces):
    faces.paths[0].write_bytes(b"no image")
    crops = cut_faces(faces)
    assert len(crops) == 2 and crops.kept.tolist() == [1, 2]
    np.testing.assert_array_equal(crops.images, cut_faces(faces.choose([1, 2])).images)
    (skipped,) = crops.skipped
    assert skipped.name == str(faces.paths[0]) and "damaged" in str(skipped)


def test_labels_are_of_the_pixels_as_they_are_stored(faces, tmp_path):
    straight = cut_faces(faces.choose([0]))
    jpeg = cv2.imencode(".jpg", cv2.imread(str(faces.paths[0])))[1].tobytes()
    turned = tmp_path / "turned ü.jpg"
    turned.write_bytes(with_orientation(jpeg, 6))
    assert read_photograph(turned).shape == (260, 220, 3)  # upright: it was 220 by 260
    crops = cut_faces(LabelledFaces((turned,), faces.landmarks[:1]))
    np.testing.assert_array_equal(crops.landmarks, straight.landmarks)
    np.testing.assert_allclose(spot_of(crops.images[0]), crops.landmarks[0, 30, :2], atol=0.5)


@pytest.mark.parametrize("kind", ["grey", "alpha", "16 bit"])
def test_photographs_of_any_kind_are_cut_out(faces, kind):
    expected = cut_faces(faces)
    picture = cv2.imread(str(faces.paths[0]))
    changed = {
        "grey": picture[..., 0],
        "alpha": np.dstack([picture, np.full(picture.shape[:2], 9, np.uint8)]),
        "16 bit": picture.astype(np.uint16) * 257,
    }[kind]
    cv2.imwrite(str(faces.paths[0]), changed)
    np.testing.assert_array_equal(cut_faces(faces).images, expected.images)


def test_a_face_that_cannot_be_framed_is_named_and_skipped(faces):
    faces.landmarks[1] = 0
    (skipped,) = cut_faces(faces).skipped
    assert skipped.name == str(faces.paths[1]) and "two labelled points" in skipped.reason


def test_if_no_photograph_can_be_read_that_is_an_error(faces):
    for path in faces.paths:
        path.unlink()
    with pytest.raises(ValueError, match=r"none of the 3 could be used\. The first: .*0\.png"):
        cut_faces(faces)


def test_several_faces_of_one_photograph_are_cut_out_apart(faces):
    landmarks = np.concatenate([faces.landmarks[:1]] * 2)
    landmarks[1, :, :2] += 15
    images = cut_faces(LabelledFaces(faces.paths[:1] * 2, landmarks)).images
    assert np.abs(spot_of(images[0]) - spot_of(images[1])).min() > 5


def test_progress_is_shown_over_all_faces(faces):
    seen = []
    cut_faces(faces, lambda numbers: (seen.append(number) or number for number in numbers))
    assert seen == [0, 1, 2]


def test_threads_keep_the_order_and_stop_when_no_one_listens():
    done = []

    def square(number):
        time.sleep(0.001)
        done.append(number)
        return number**2

    results = in_threads(square, range(2_000))
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    results.close()
    assert len(done) < 2_000


@pytest.mark.parametrize("moved_by", [[500, 0], [0, -400], [9e4, 9e4]])
def test_a_face_outside_its_photograph_is_left_out_by_name(faces, moved_by):
    faces.landmarks[1, :, :2] += moved_by
    crops = cut_faces(faces)
    assert crops.kept.tolist() == [0, 2]
    (skipped,) = crops.skipped
    assert skipped.name == faces.names[1] and "lies outside" in skipped.reason


def test_what_a_reader_left_out_stays_named(faces):
    before = Skipped("somebody", "no reason")
    crops = cut_faces(replace(faces, skipped=(before,)))
    assert len(crops) == 3 and crops.skipped == (before,)
