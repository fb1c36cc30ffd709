"""Orientations of pictures that OpenCV shows as they are stored."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from keras_3dmmstn.inference.photograph import decoded_photograph


def corners():
    """A picture whose quarters are red, green, blue and black: `(32, 48, 3)`."""
    image = np.zeros((32, 48, 3), np.uint8)
    image[:16, :24], image[16:, :24], image[:16, 24:] = [255, 0, 0], [0, 255, 0], [0, 0, 255]
    return Image.fromarray(image)


def bytes_of(kind, orientation, **options):
    """An image file that Pillow writes; in AVIF it makes boxes of the orientation."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    corners().save(file, kind, exif=exif.tobytes(), **options)
    return file.getvalue()


ANIMATED = {"save_all": True, "append_images": [Image.new("RGB", (48, 32))]}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "options"),
    [("AVIF", {}), ("WEBP", ANIMATED), ("PNG", ANIMATED), ("PNG", {}), ("WEBP", {})],
)
def test_pictures_are_turned_as_pillow_turns_them(kind, options, orientation):
    content = bytes_of(kind, orientation, **options)
    stored = Image.open(io.BytesIO(content))
    expected = np.array(ImageOps.exif_transpose(stored).convert("RGB")).astype(int)
    upright = decoded_photograph(content)
    assert upright.shape == expected.shape
    # Lossy formats: a quarter that lies elsewhere would make it about 60.
    assert np.abs(upright - expected).mean() < 10
    unturned = decoded_photograph(content, upright=False)
    assert np.abs(unturned - np.array(corners()).astype(int)).mean() < 10


@pytest.mark.parametrize(("kind", "options"), [("AVIF", {}), ("WEBP", ANIMATED), ("PNG", ANIMATED)])
def test_a_file_that_ends_early_is_named_or_read(kind, options):
    content = bytes_of(kind, 6, **options)
    for length in range(0, len(content), 7):
        try:
            decoded_photograph(content[:length])
        except ValueError as error:
            assert "expected an image" in str(error)
