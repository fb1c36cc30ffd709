"""HEIC pictures, read by `pillow-heif` where it is installed."""

import struct
import sys
import types

import numpy as np
import pytest

from keras_3dmmstn.inference.heif import is_heif, largest_picture
from keras_3dmmstn.inference.photograph import read_photograph


def heic_file(width=40, height=30, brand=b"heic", others=(b"mif1", b"heic")):
    """A file with the header of a picture, and of a part of it, but without a picture."""
    brands = brand + bytes(4) + b"".join(others)
    sizes = [struct.pack(">I4sIII", 20, b"ispe", 0, *size) for size in ((16, 16), (width, height))]
    return struct.pack(">I4s", 8 + len(brands), b"ftyp") + brands + b"".join(sizes) + bytes(9999)


def boxes_of(*parts):
    """Boxes of a file: kinds and contents; a size of 64 bits for one that ends in "long"."""
    content = b""
    for kind, inside in parts:
        if kind.endswith(b"long"):
            content += struct.pack(">I4sQ", 1, kind[:4], 16 + len(inside)) + inside
        else:
            content += struct.pack(">I4s", 8 + len(inside), kind) + inside
    return content


@pytest.mark.parametrize("pixels", [b"mdat", b"mdatlong"])
def test_a_description_behind_the_pixels_is_found(pixels):
    sizes = boxes_of((b"ispe", struct.pack(">III", 0, 4000, 3000)))
    by_chance = boxes_of((b"ispe", struct.pack(">III", 0, 2**30, 2**30)))
    content = boxes_of(
        (b"ftyp", b"heic" + bytes(4)), (pixels, by_chance + bytes(2**21)), (b"meta", sizes)
    )
    assert is_heif(content) and largest_picture(content) == (4000, 3000)


@pytest.mark.parametrize("size", [0, 1, 7])
def test_boxes_whose_sizes_are_nonsense_end_the_search(size):
    content = heic_file(640, 480) + struct.pack(">I4s", size, b"free") + bytes(99)
    assert largest_picture(content) == (640, 480)


@pytest.fixture
def without_reader(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed


@pytest.fixture
def reader_of(monkeypatch):
    """A function that installs a `pillow_heif` whose pictures all have these pixels."""

    def install(pixels):
        def open_heif(content):
            assert is_heif(content)
            if isinstance(pixels, Exception):
                raise pixels
            return pixels

        module = types.ModuleType("pillow_heif")
        module.open_heif = open_heif
        monkeypatch.setitem(sys.modules, "pillow_heif", module)

    return install


@pytest.fixture
def photograph(tmp_path):
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(heic_file())
    return path


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1"])
def test_the_brands_of_phones_are_heic(brand):
    assert is_heif(heic_file(brand=brand))


def test_avif_and_others_are_not():
    assert not is_heif(heic_file(brand=b"avif"))
    assert not is_heif(heic_file(brand=b"mif1", others=(b"mif1", b"avif", b"miaf")))
    assert not is_heif(b"\xff\xd8\xff heic") and not is_heif(b"")


def test_the_size_is_the_largest_in_the_file():
    assert largest_picture(heic_file(40, 30)) == (40, 30)


def test_without_the_reader_the_format_and_what_to_install_are_named(photograph, without_reader):
    with pytest.raises(ValueError, match=r"IMG_0001\.HEIC: expected .* HEIC, which needs") as error:
        read_photograph(photograph)
    assert 'pip install "keras-3dmmstn[heic]"' in str(error.value)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pixels_are_rgb_whatever_the_channels(photograph, reader_of, rng, channels):
    pixels = rng.integers(0, 256, (30, 40, channels), np.uint8)
    reader_of(pixels[..., 0] if channels == 1 else pixels)
    colours = pixels[..., :3] if channels > 2 else np.repeat(pixels[..., :1], 3, axis=2)
    np.testing.assert_array_equal(read_photograph(photograph), colours)


@pytest.mark.parametrize("error", [ValueError, EOFError, IndexError])
def test_a_damaged_one_is_named(photograph, reader_of, error):
    reader_of(error("Invalid input"))
    with pytest.raises(ValueError, match=r"HEIC: expected a HEIC image.* one: Invalid input\."):
        read_photograph(photograph)


def test_one_without_a_size_is_damaged(photograph, reader_of):
    reader_of(np.zeros((30, 40, 3), np.uint8))
    photograph.write_bytes(photograph.read_bytes()[:24])
    with pytest.raises(ValueError, match="expected a HEIC image, received a damaged one"):
        read_photograph(photograph)


def test_the_size_is_checked_before_anything_is_decoded(photograph, reader_of):
    reader_of(AssertionError("it was decoded"))
    photograph.write_bytes(heic_file(20_000, 20_000))
    with pytest.raises(ValueError, match=r"at most 128 megapixels, received 20,000 x 20,000"):
        read_photograph(photograph)


def test_what_the_reader_itself_writes_is_read(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    pixels = np.zeros((96, 128, 3), np.uint8)
    pixels[:, :64] = 200, 30, 30  # red at the left
    path = tmp_path / "a.heic"
    pillow_heif.from_bytes("RGB", (128, 96), pixels.tobytes()).save(path, quality=95)
    read = read_photograph(path)
    assert read.shape == (96, 128, 3) and read.dtype == np.uint8
    # Colours are compressed, and blurred where they change.
    np.testing.assert_allclose(read[:, :56].astype(int), pixels[:, :56], atol=8)
    np.testing.assert_allclose(read[:, 72:].astype(int), pixels[:, 72:], atol=8)
