"""Arrays and numbers of the wrong kind, given to a normaliser, are named."""

import numpy as np
import pytest

from tests.support.faces_with_labels import normaliser_that_says

SIZE = 112
PHOTOGRAPH = np.zeros((200, 240, 3), np.uint8)
BOX = [60.0, 50.0, 160.0, 150.0]


@pytest.fixture(scope="module")
def normaliser():
    return normaliser_that_says()


@pytest.mark.parametrize(
    ("crops", "received"),
    [
        (np.zeros((SIZE, SIZE, 3), np.uint8), r"shape \(112, 112, 3\)"),
        (np.zeros((2, SIZE, SIZE), np.uint8), r"shape \(2, 112, 112\)"),
        (np.zeros((2, 64, 64, 3)), r"shape \(2, 64, 64, 3\)"),
        (np.zeros((2, SIZE, SIZE, 4)), r"shape \(2, 112, 112, 4\)"),
        ([], r"shape \(0,\)"),
        ([PHOTOGRAPH, PHOTOGRAPH[:9]], "no numbers"),
        ("crops", "no numbers"),
        (None, "no numbers"),
    ],
)
def test_crops_of_another_shape_are_named(normaliser, crops, received):
    with pytest.raises(
        ValueError, match=rf"crops of shape \(n, 112, 112, 3\), received {received}"
    ):
        normaliser.fit(crops)


@pytest.mark.parametrize(
    ("image", "boxes", "error", "message"),
    [
        (PHOTOGRAPH, BOX, ValueError, r"boxes of shape \(n, 4\), received shape \(4,\)"),
        (PHOTOGRAPH, [BOX[:3]], ValueError, r"received shape \(1, 3\)"),
        (PHOTOGRAPH, [[900, 900, 999, 999]], ValueError, "which lies outside"),
        (PHOTOGRAPH[0, 0], [BOX], ValueError, r"an image of shape .*, received shape \(3,\)"),
        (PHOTOGRAPH.astype(float), [BOX], TypeError, "received float64"),
        ("photograph.jpg", [BOX], TypeError, "received str"),
    ],
)
def test_regress_names_what_is_wrong(normaliser, image, boxes, error, message):
    with pytest.raises(error, match=message):
        normaliser.regress(image, boxes)


def test_regress_takes_no_boxes(normaliser):
    assert normaliser.regress(PHOTOGRAPH, []).shape == (0, 6 + normaliser.grid_model.modes)


@pytest.mark.parametrize("workers", ["2", 2.5, True, -1, 0])
def test_workers_that_are_no_count_are_named(normaliser, workers):
    with pytest.raises(ValueError, match="at least one worker, a whole number, received"):
        normaliser.stream([PHOTOGRAPH], workers=workers)
