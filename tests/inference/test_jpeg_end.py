"""JPEG files whose data end before the picture does."""

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.photograph import decoded_photograph
from tests.support.face_folders import with_orientation
from tests.support.portraits import portrait

END = b"\xff\xd9"


def jpeg(image, *options):
    return cv2.imencode(".jpg", image[..., ::-1], list(options))[1].tobytes()


def cut(content, share):
    """The begin of a JPEG, and the mark of its end."""
    return content[: int(share * len(content))] + END


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_a_jpeg_with_an_end_too_early_is_refused(share):
    with pytest.raises(ValueError, match="expected a whole JPEG, received one that is cut off"):
        decoded_photograph(cut(jpeg(portrait()), share))


@pytest.mark.parametrize(
    "behind",
    [
        b"\xff\xd3" + END,
        b"\xff\xfe\x00\x06nice" + END,
        b"\xff\x01" + END,
        jpeg(portrait()[::8, ::8]),
    ],
    ids=["a restart", "a comment", "TEM", "another picture"],
)
def test_whatever_follows_the_data_that_end_too_early(behind):
    content = jpeg(portrait())
    with pytest.raises(ValueError, match="cut off"):
        decoded_photograph(content[: len(content) // 2] + behind)


def test_a_jpeg_that_just_stops_is_refused():
    content = jpeg(portrait())
    with pytest.raises(ValueError, match="not an image, or a damaged one"):
        decoded_photograph(content[: len(content) // 2])


@pytest.mark.parametrize("turn", [3, 6, 8])
def test_it_is_seen_however_the_photograph_is_turned(turn):
    with pytest.raises(ValueError, match="cut off"):
        decoded_photograph(with_orientation(cut(jpeg(portrait()), 0.6), turn))


def test_the_end_of_a_preview_is_not_the_photograph_s():
    preview = jpeg(portrait()[::8, ::8])
    segment = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    whole = jpeg(portrait())
    content = whole[:2] + segment + whole[2:]
    np.testing.assert_array_equal(decoded_photograph(content), decoded_photograph(whole))
    with pytest.raises(ValueError, match="cut off"):
        decoded_photograph(cut(content, 0.8))


@pytest.mark.parametrize("level", [64, 65, 128])
@pytest.mark.parametrize(
    "options",
    [(), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)],
)
def test_a_whole_photograph_with_a_grey_corner_is_read(level, options):
    image = portrait()
    image[-40:] = level
    read = decoded_photograph(jpeg(image, *options))
    assert (read[-1, -1] == level).all()
    assert read.shape == image.shape


def test_a_second_picture_behind_the_first_does_not_count():
    content = jpeg(portrait())
    np.testing.assert_array_equal(
        decoded_photograph(content + cut(content, 0.5)), decoded_photograph(content)
    )


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.8, 0.9])
@pytest.mark.parametrize("end", [b"", END], ids=["no end", "an end"])
def test_zeros_in_place_of_the_rest_are_no_data(options, share, end):
    content = jpeg(portrait(), *options)
    kept = content[: int(share * len(content))]
    for count in (300, 5000, 20_000):
        with pytest.raises(ValueError, match=r"a whole JPEG, .* cut off|a damaged one"):
            decoded_photograph(kept + bytes(count) + end)


def test_zeros_before_the_end_of_a_whole_jpeg_are_padding():
    content = jpeg(portrait())
    padded = content[: -len(END)] + bytes(1000) + END
    np.testing.assert_array_equal(decoded_photograph(padded), decoded_photograph(content))
    behind = content + bytes(1000)
    np.testing.assert_array_equal(decoded_photograph(behind), decoded_photograph(content))


@pytest.mark.parametrize("optimised", [0, 1])
def test_a_plain_picture_whose_data_are_alike_is_read(optimised):
    for level in (0, 64, 128, 255):
        image = np.full((2000, 1000, 3), level, np.uint8)
        content = jpeg(image, cv2.IMWRITE_JPEG_OPTIMIZE, optimised)
        assert (decoded_photograph(content) == level).all()


def test_a_jpeg_with_restarts_is_seen_wherever_it_is_cut_off():
    content = jpeg(portrait(), cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
    for place in range(len(content) // 3, len(content) * 9 // 10, 701):
        with pytest.raises(ValueError, match="cut off"):
            decoded_photograph(content[:place] + END)
    due = content.index(b"\xff\xd3", len(content) // 2)
    with pytest.raises(ValueError, match="cut off"):
        decoded_photograph(content[:due] + END)


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6, 0.8])
def test_a_progressive_jpeg_without_its_last_scans_is_refused(share):
    content = jpeg(portrait(), cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    with pytest.raises(ValueError, match="cut off: a part of it is grey, blurred"):
        decoded_photograph(cut(content, share))
