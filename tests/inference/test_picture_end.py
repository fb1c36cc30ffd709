"""WebP and JPEG 2000 files whose data end before the picture does."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from keras_3dmmstn.inference.photograph import decoded_photograph
from tests.support.portraits import portrait

KINDS = {
    "lossy WebP": (".webp", cv2.IMWRITE_WEBP_QUALITY, 80),
    "lossless WebP": (".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    "JPEG 2000": (".jp2", cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 100),
}


def encoded(kind, image):
    ending, *options = KINDS[kind]
    return cv2.imencode(ending, image[..., ::-1], options)[1].tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_zeros_in_place_of_the_rest_are_refused(kind, share):
    content = encoded(kind, portrait())
    kept = content[: int(share * len(content))]
    with pytest.raises(ValueError, match=r"expected a whole \w+.*, received one that is cut"):
        decoded_photograph(kept + bytes(len(content) - len(kept)))


@pytest.mark.parametrize("rest", [b"\xff", b"\x5a"])
def test_a_jpeg_2000_needs_its_end(rest):
    content = encoded("JPEG 2000", portrait())
    kept = content[: len(content) * 95 // 100]
    with pytest.raises(ValueError, match=r"expected a whole JPEG 2000, .* cut off"):
        decoded_photograph(kept + rest * (len(content) - len(kept)))


@pytest.mark.parametrize("kind", KINDS)
def test_what_just_stops_is_refused(kind):
    content = encoded(kind, portrait())
    with pytest.raises(ValueError, match="not an image, or a damaged one"):
        decoded_photograph(content[: len(content) // 2])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_plain_picture_is_whole(kind, level):
    image = np.full((900, 700, 3), level, np.uint8)
    assert (np.abs(decoded_photograph(encoded(kind, image)).astype(int) - level) < 4).all()


def test_what_follows_the_picture_does_not_count():
    webp, jp2 = encoded("lossy WebP", portrait()), encoded("JPEG 2000", portrait())
    chunk = b"EXIF" + (1000).to_bytes(4, "little") + bytes(1000)
    longer = webp[:4] + (len(webp) + len(chunk) - 8).to_bytes(4, "little") + webp[8:] + chunk
    np.testing.assert_array_equal(decoded_photograph(longer), decoded_photograph(webp))
    box = (1008).to_bytes(4, "big") + b"xml " + bytes(1000)
    place = jp2.index(b"jp2c") - 4
    sized = jp2[:place] + (len(jp2) - place).to_bytes(4, "big") + jp2[place + 4 :]
    np.testing.assert_array_equal(decoded_photograph(sized + box), decoded_photograph(jp2))


@pytest.mark.parametrize("frames", [1, 2])
def test_a_plain_border_of_a_lossless_webp_is_whole(frames):
    image = np.full((190, 257, 3), 128, np.uint8)
    image[:111] = cv2.resize(portrait(), (257, 111), interpolation=cv2.INTER_AREA)
    file, pictures = io.BytesIO(), [Image.fromarray(image), Image.fromarray(image[::-1])]
    pictures[0].save(
        file, "WEBP", lossless=True, quality=50, method=0,
        save_all=frames > 1, append_images=pictures[1:frames],
    )  # fmt: skip
    assert bytes(1000) in file.getvalue()
    np.testing.assert_array_equal(decoded_photograph(file.getvalue()), image)
