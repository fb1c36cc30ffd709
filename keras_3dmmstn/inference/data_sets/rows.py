"""The stored form of a face: a row with its numbers, its texture and its mask."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.inference.data_sets.plan import PlannedPhotograph
from keras_3dmmstn.inference.normalised_face import NormalisedFace


class Kind(Enum):
    """The type of a column: one value, or for `FLOATS` a list, of equal length in all rows."""

    INTEGER = "integer"
    FLOAT = "float"
    FLOATS = "floats"
    TEXT = "text"
    BYTES = "bytes"


#: The columns and their kinds, in their order. A missing score or confidence is NaN.
COLUMNS: dict[str, Kind] = {
    "photograph": Kind.INTEGER,
    "image": Kind.TEXT,
    "face": Kind.INTEGER,
    "box": Kind.FLOATS,
    "score": Kind.FLOAT,
    "confidence": Kind.FLOAT,
    "theta": Kind.FLOATS,
    "camera": Kind.FLOATS,
    "pose": Kind.FLOATS,
    "landmarks": Kind.FLOATS,
    "texture": Kind.BYTES,
    "mask": Kind.BYTES,
}
#: How textures and masks are stored: as PNG, or as one byte per channel of each texel.
ENCODINGS = ("png", "raw")
# Colour types of PNG, and the bits of a channel.
_GREY, _RGB, _BITS = 0, 2, 8

_THETA = ("rotation", "translation", "log_scale", "identity", "expression")
_CAMERA = ("focal_length", "principal_point")
_LANDMARKS = "ibug68"


def row_of(
    photograph: PlannedPhotograph, number: int, face: NormalisedFace, encoding: str
) -> dict[str, Any]:
    """Returns the row of a face, with the columns and kinds of `COLUMNS`.

    Args:
        photograph: the photograph of the face.
        number: of the face in the photograph, counted from 0.
        face: the face.
        encoding: one of `ENCODINGS`.
    """
    has_landmarks = _LANDMARKS in face.landmark_indices
    return {
        "photograph": photograph.number,
        "image": as_text(photograph.image),
        "face": number,
        "box": _floats([face.box]),
        "score": np.nan if face.score is None else float(face.score),
        "confidence": np.nan if face.confidence is None else float(face.confidence),
        "theta": _floats(face.parameters[name] for name in _THETA),
        "camera": _floats(face.parameters[n] for n in _CAMERA if n in face.parameters),
        "pose": _floats([face.pose]),
        "landmarks": _floats([face.landmarks(_LANDMARKS)] if has_landmarks else []),
        "texture": encoded_texture(face.texture, encoding),
        "mask": encoded_mask(face.mask, encoding),
    }


def encoded_texture(texture: np.ndarray, encoding: str) -> bytes:
    """Returns a texture `(H, W, 3)` uint8 RGB as a PNG or as its bytes, row by row."""
    if encoding == "raw":
        return texture.tobytes()
    return cv2.imencode(".png", cv2.cvtColor(texture, cv2.COLOR_RGB2BGR))[1].tobytes()


def encoded_mask(mask: np.ndarray, encoding: str) -> bytes:
    """Returns a mask `(H, W)` bool as a PNG of 0 and 255, or as bytes 0 and 255, row by row."""
    levels = mask.astype(np.uint8) * 255
    return levels.tobytes() if encoding == "raw" else cv2.imencode(".png", levels)[1].tobytes()


def fault_of(row: Mapping[str, Any], shape: Sequence[int], encoding: str) -> str | None:
    """Returns what is wrong with a row that was read, or None if it is a valid face.

    Args:
        row: with the columns `COLUMNS`.
        shape: of the texture.
        encoding: one of `ENCODINGS`.
    """
    height, width, channels = shape
    if len(row["box"]) != 4 or len(row["pose"]) != 3 or len(row["landmarks"]) % 2:
        return "a box, a pose or landmarks have other numbers"
    for name, count in (("texture", channels), ("mask", 1)):
        if encoding == "raw":
            fits = len(row[name]) == height * width * count
        else:
            fits = _is_png(row[name], height, width, _RGB if count > 1 else _GREY)
        if not fits:
            return f"{name}: expected {height} x {width} texels as {encoding}"
    return None


def _is_png(data, height, width, colours):
    """Returns whether bytes are a PNG as OpenCV writes it, with correct checksums."""
    sizes = width, height, _BITS, colours
    beginning = struct.pack(">8sI4sIIBB", b"\x89PNG\r\n\x1a\n", 13, b"IHDR", *sizes)
    if not data.startswith(beginning):
        return False
    at = 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        chunk = data[at + 4 : end]
        if data[end : end + 4] != zlib.crc32(chunk).to_bytes(4, "big"):
            return False
        if chunk == b"IEND":
            return True
        at = end + 4
    return False


def as_text(text: str) -> str:
    """Returns a text with escapes for the bytes of names that are not UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def _floats(arrays):
    """Returns the numbers of some arrays, one after the other, as float32."""
    parts = [np.asarray(array, np.float32).ravel() for array in arrays]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)
