"""Photographs of every common kind."""

import struct

import cv2
import numpy as np
import pytest

from keras_3dmmstn.inference.photograph import (
    as_photograph,
    decoded_photograph,
    read_photograph,
    warp,
)
from keras_3dmmstn.network.framing import crop_matrix
from tests.support.face_folders import with_orientation


@pytest.fixture
def picture():
    """A picture 40 wide and 30 high that is red at the left, green at the top."""
    image = np.zeros((30, 40, 3), np.uint8)
    image[:, :10, 0] = 200
    image[:5, :, 1] = 100
    return image


def write(path, rgb):
    assert cv2.imwrite(str(path), rgb[..., ::-1] if rgb.ndim == 3 else rgb)
    return path


def test_colours_are_rgb(picture, tmp_path):
    np.testing.assert_array_equal(read_photograph(write(tmp_path / "a.png", picture)), picture)


def test_grey_gets_three_channels(picture, tmp_path):
    read = read_photograph(write(tmp_path / "a.png", picture[..., 0]))
    np.testing.assert_array_equal(read, np.repeat(picture[..., :1], 3, axis=2))


def test_sixteen_bits_are_reduced_to_eight(picture, tmp_path):
    read = read_photograph(write(tmp_path / "a.png", picture.astype(np.uint16) * 256))
    np.testing.assert_array_equal(read, picture)


def test_transparency_is_dropped(picture, tmp_path):
    alpha = np.full((30, 40, 1), 128, np.uint8)
    bgra = np.concatenate([picture[..., ::-1], alpha], axis=2)
    assert cv2.imwrite(str(tmp_path / "a.png"), bgra)
    np.testing.assert_array_equal(read_photograph(tmp_path / "a.png"), picture)


def test_exif_orientation_is_applied(picture, tmp_path):
    jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    # Orientation 6: the camera was turned, the picture is to be turned clockwise by 90 degrees.
    (tmp_path / "a.jpg").write_bytes(with_orientation(jpeg, 6))
    read = read_photograph(tmp_path / "a.jpg")
    assert read.shape == (40, 30, 3)
    # What was red at the left is at the top, what was green at the top is at the right.
    assert read[2, 5, 0] > 150 and read[35, 27, 1] > 70 and read[35, 5].max() < 40
    stored = read_photograph(tmp_path / "a.jpg", upright=False)
    np.testing.assert_array_equal(np.rot90(read), stored)


@pytest.mark.parametrize("sample_format", [1, 3])
def test_a_tiff_of_numbers_that_are_no_levels_is_named(sample_format, tmp_path):
    kind = "floating-point" if sample_format == 3 else "unsigned"
    values = np.linspace(0, 255, 30 * 40 * 3).reshape(30, 40, 3)
    (tmp_path / "a.tif").write_bytes(tiff(values, sample_format))
    with pytest.raises(ValueError, match=rf"a\.tif: expected .* a TIFF of 32-bit {kind} numbers"):
        read_photograph(tmp_path / "a.tif")


@pytest.mark.parametrize(("compression", "name"), [(50000, "ZSTD"), (34925, "LZMA")])
def test_a_compression_that_opencv_does_not_read_is_named(compression, name, tmp_path):
    content = tiff(np.zeros((30, 40, 3)), 1, bits=8, compression=compression)
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.tif: expected .* compressed with {name}: convert"):
        read_photograph(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("lowest", "highest", "expected"),
    [(0, 200, "none above 200"), (0, 1000, "none above 1000"), (-5, 30000, "received one of -5")],
)
def test_signed_levels_that_are_none_are_named(lowest, highest, expected, tmp_path):
    values = np.linspace(lowest, highest, 30 * 40 * 3).reshape(30, 40, 3).round()
    (tmp_path / "a.tif").write_bytes(tiff(values, 2, bits=16))
    with pytest.raises(ValueError, match=rf"a\.tif: .*{expected}"):
        read_photograph(tmp_path / "a.tif")


def test_signed_levels_from_0_on_are_read(tmp_path):
    values = np.linspace(0, 32767, 30 * 40 * 3).reshape(30, 40, 3)
    (tmp_path / "a.tif").write_bytes(tiff(values, 2, bits=16))
    np.testing.assert_allclose(read_photograph(tmp_path / "a.tif"), values // 256, atol=1)


def tiff(values, sample_format, bits=32, compression=1):
    """A TIFF of numbers, `(height, width, 3)`, in one strip behind its header."""
    pixels = values.astype(f"<{' uif'[sample_format]}{bits // 8}").tobytes()
    height, width = values.shape[:2]
    place_of_bits, begin = 8, 16  # places of the three numbers of bits, and of the pixels
    tags = [
        (256, 3, 1, width),
        (257, 3, 1, height),
        (258, 3, 3, place_of_bits),
        (259, 3, 1, compression),
        (262, 3, 1, 2),
        (273, 4, 1, begin),
        (277, 3, 1, 3),
        (278, 3, 1, height),
        (279, 4, 1, len(pixels)),
        (339, 3, 1, sample_format),
    ]
    header = b"II*\0" + struct.pack("<IHHHH", begin + len(pixels), bits, bits, bits, 0)
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return header + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("name", "dtype", "top", "expected"),
    [
        ("a.png", np.uint16, 200, r"0\.\.65535 of 16 bits, received none above 200"),
        ("a.pfm", np.float32, 0.75, r"0\.\.255, received floating-point .* above 0\.75"),
    ],
)
def test_a_picture_that_would_be_black_is_refused(picture, tmp_path, name, dtype, top, expected):
    levels = (picture / 200 * top).astype(dtype)
    with pytest.raises(ValueError, match=expected):
        read_photograph(write(tmp_path / name, levels))
    black = np.zeros_like(levels)
    assert not read_photograph(write(tmp_path / name, black)).any()


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n broken"])
def test_what_is_no_image_is_named(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png: expected an image"):
        read_photograph(tmp_path / "a.png")


def test_a_missing_file_is_a_file_not_found_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_photograph(tmp_path / "none.png")


@pytest.mark.parametrize("channels", [None, 1, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_arrays_of_every_kind_become_rgb(channels, dtype):
    shape = (5, 7) if channels is None else (5, 7, channels)
    top = 255 if dtype == np.uint8 else 65535
    photograph = as_photograph(np.full(shape, top, dtype))
    assert photograph.shape == (5, 7, 3) and photograph.dtype == np.uint8
    assert (photograph == 255).all()


@pytest.mark.parametrize("image", [np.zeros((5, 7, 3)), [[1, 2], [3, 4]], None])
def test_other_types_are_refused(image):
    with pytest.raises(TypeError, match="Expected a path or an RGB uint8 array, received"):
        as_photograph(image)


@pytest.mark.parametrize("shape", [(5,), (5, 7, 2), (0, 7, 3), (1, 5, 7, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="received shape"):
        as_photograph(np.zeros(shape, np.uint8))


def test_levels_of_8_bits_in_16_are_refused_and_not_made_black():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint16)
    with pytest.raises(ValueError, match=r"0\.\.65535 .* uint16, received none above 2.*uint8"):
        as_photograph(image)
    assert as_photograph(image * 257).max() == image.max()
    assert not as_photograph(np.zeros((5, 7), np.uint16)).any()  # a black frame is one


@pytest.mark.parametrize("top", [1023, 700, 256, 4095])
def test_levels_of_10_and_12_bits_in_16_are_refused(top, tmp_path):
    image = np.linspace(0, top, 35 * 3).reshape(5, 7, 3).round().astype(np.uint16)
    with pytest.raises(ValueError, match=f"none above {top}.* multiplied by 64 or 16"):
        as_photograph(image)
    for name in ("a.png", "a.tif"):
        with pytest.raises(ValueError, match=rf"{name}: .* 16 bits, received none above {top}"):
            read_photograph(write(tmp_path / name, image))


@pytest.mark.parametrize("top", [1024, 3000, 4094, 4096])
def test_a_dark_photograph_of_16_bits_is_read(top, tmp_path, caplog):
    image = np.linspace(0, top, 35 * 3).reshape(5, 7, 3).round().astype(np.uint16)
    assert as_photograph(image).max() == top >> 8
    assert bool(caplog.records) == (top < 4096)
    assert read_photograph(write(tmp_path / "a.png", image)).max() in (top >> 8, (top >> 8) + 1)


def test_warp_by_the_identity_returns_the_image():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(warp(image, np.eye(2, 3), 16), image)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_warp_averages_where_it_shrinks(factor):
    image = np.random.default_rng(0).integers(0, 256, (20 * factor, 20 * factor, 3), np.uint8)
    middle = (1 / factor - 1) / 2  # the centre of a block falls on the centre of its pixel
    matrix = np.array([[1 / factor, 0, middle], [0, 1 / factor, middle]])
    blocks = image.reshape(20, factor, 20, factor, 3).mean(axis=(1, 3))
    assert np.abs(warp(image, matrix, 20) - blocks).max() <= 1


def test_warp_is_black_outside():
    image = np.full((10, 10, 3), 255, np.uint8)
    moved = warp(image, np.array([[1.0, 0, 5], [0, 1.0, 0]]), 10)
    assert (moved[:, :5] == 0).all() and (moved[:, 5:] == 255).all()


def test_bytes_are_read_as_a_file_of_them_is(picture, tmp_path):
    jpeg = cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes()
    content = with_orientation(jpeg, 6)
    (tmp_path / "a.jpg").write_bytes(content)
    for upright in (True, False):
        np.testing.assert_array_equal(
            decoded_photograph(content, upright=upright),
            read_photograph(tmp_path / "a.jpg", upright=upright),
        )


def test_bytes_have_the_limits_of_files(picture, monkeypatch):
    content = cv2.imencode(".png", picture)[1].tobytes()
    monkeypatch.setenv("KERAS_3DMMSTN_MAX_MEGAPIXELS", "0.001")
    with pytest.raises(ValueError, match="pixels"):
        decoded_photograph(content)
    with pytest.raises(ValueError, match="image"):
        decoded_photograph(b"words")


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_a_square_is_cut_out_of_any_number_of_channels_as_out_of_each(channels, turn, rng):
    image = rng.integers(0, 256, (90, 70, channels), dtype=np.uint8)
    matrix = crop_matrix([10, 20, 50, 60], 48, turn)
    each = [warp(image[..., k : k + 1], matrix, 48).reshape(48, 48) for k in range(channels)]
    np.testing.assert_array_equal(
        warp(image, matrix, 48).reshape(48, 48, channels), np.stack(each, axis=-1)
    )
