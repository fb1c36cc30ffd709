"""Photographs that exports are compared on."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.export import comparison_photographs
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network import framing
from tests.support.face_folders import write_300w


def test_the_portrait_is_eight_photographs_of_a_face_where_the_network_wants_it():
    normaliser = Normaliser.pretrained()
    images = comparison_photographs.portrait_photographs(224)
    assert images.shape == (8, 224, 224, 3) and images.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 255
    parameters = normaliser.localiser.predict(images, verbose=0)["parameters"]
    # The rolls that were asked for, and the mean face's place and size for the first.
    np.testing.assert_allclose(parameters[1, 2] - parameters[0, 2], np.radians(-20), atol=0.06)
    np.testing.assert_allclose(parameters[0, 5], normaliser_rest_scale(), atol=0.15)
    assert parameters[3, 5] - parameters[0, 5] == pytest.approx(np.log(1.2), abs=0.06)


def normaliser_rest_scale():
    from keras_3dmmstn.network.localiser import rest_pose

    return rest_pose(GridModel.bundled(), 224)[1]


def test_rendered_faces_are_framed_as_the_network_wants_them():
    model = GridModel.bundled()
    images = comparison_photographs.rendered_photographs(model, 224, count=2)
    assert images.shape == (2, 224, 224, 3) and images.dtype == np.float32
    assert images.min() >= 0 and 200 < images.max() <= 255
    np.testing.assert_array_equal(
        images, comparison_photographs.rendered_photographs(model, 224, count=2)
    )
    # What is not background is as wide as a face: the crop is 1.7 times the landmarks' box.
    face = np.any(images[0] != images[0, 0, 0], axis=-1)
    columns = np.nonzero(face)[1]
    assert 224 / framing.CROP_TO_BOX * 0.8 < np.ptp(columns) < 224
    assert abs(columns.mean() - 111.5) < 15


@pytest.mark.parametrize("shape", [(60, 90), (90, 60)])
def test_the_middle_of_a_photograph_is_taken(shape, tmp_path, rng):
    image = rng.integers(0, 256, (*shape, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "photograph.png"), image[..., ::-1])
    top, left = (shape[0] - 60) // 2, (shape[1] - 60) // 2
    crop = comparison_photographs.middle_crop(tmp_path / "photograph.png", 60)
    np.testing.assert_array_equal(crop, image[top : top + 60, left : left + 60])


def test_faces_of_a_folder_are_framed_by_their_labels(tmp_path):
    write_300w(tmp_path, count=2)
    crops = comparison_photographs.chosen_photographs(tmp_path, 60)
    assert crops.shape == (2, 60, 60, 3) and crops.dtype == np.float32


def test_a_photograph_is_a_batch_of_one(tmp_path, rng):
    cv2.imwrite(str(tmp_path / "one.png"), rng.integers(0, 256, (70, 60, 3), np.uint8))
    assert comparison_photographs.chosen_photographs(tmp_path / "one.png", 40).shape == (
        1,
        40,
        40,
        3,
    )


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(ValueError, match="found none of them"):
        comparison_photographs.chosen_photographs(tmp_path, 40)
