"""Draws sheets of many faces: labelled and predicted points, and textures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_3dmmstn.drawing.panels import resized, tiled, with_caption
from keras_3dmmstn.drawing.subpixel import draw_disc, draw_lines
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network import framing

# Label and prediction have the colours of the paper's Figure 5.
_LABEL, _PREDICTION, _BETWEEN = (60, 220, 60), (255, 50, 50), (255, 230, 60)
_FACE_SIZE, _FACES_IN_A_ROW = 256, 5
_TEXTURE_SIZE, _TEXTURES_IN_A_ROW = 112, 10
_RADIUS = 1.6


def face_sheet(
    paths: Sequence[Path],
    boxes: np.ndarray,
    labels: np.ndarray,
    predicted: np.ndarray,
    captions: Sequence[str],
) -> np.ndarray:
    """Draws faces with labelled points, predicted points and the lines between them.

    Args:
        paths: the photograph of each face; EXIF orientation is ignored.
        boxes: `(n, 4)` x0, y0, x1, y1, which frame the faces.
        labels: `(n, L, 3)` x, y in pixels of the photographs, and confidence.
        predicted: `(n, L, 2)`, the predictions of the same points.
        captions: the text below each face.

    Returns:
        `(height, width, 3)` uint8 RGB picture, five faces in a row.
    """
    cards = []
    for path, box, points, others, caption in zip(
        paths, boxes, labels, predicted, captions, strict=True
    ):
        matrix = framing.crop_matrix(box, _FACE_SIZE)
        card = warp(read_photograph(path, upright=False), matrix, _FACE_SIZE)
        known = points[:, 2] > 0
        _draw_pairs(
            card,
            framing.apply_similarity(matrix, points[known, :2].astype(float)),
            framing.apply_similarity(matrix, others[known]),
        )
        cards.append(with_caption(card, caption))
    return tiled(cards, _FACES_IN_A_ROW)


def texture_sheet(normaliser: Normaliser, paths: Sequence[Path], boxes: np.ndarray) -> np.ndarray:
    """Draws the textures of faces, ten in a row.

    Args:
        normaliser: samples the textures from the photographs.
        paths: the photograph of each face; EXIF orientation is ignored.
        boxes: `(n, 4)` x0, y0, x1, y1, the tight box of each face's 68 landmarks.

    Returns:
        `(height, width, 3)` uint8 RGB picture.
    """
    textures = []
    for path, box in zip(paths, boxes, strict=True):
        (face,) = normaliser(read_photograph(path, upright=False), box[None])
        textures.append(resized(face.texture, _TEXTURE_SIZE))
    return tiled(textures, _TEXTURES_IN_A_ROW)


def _draw_pairs(card, labelled, predicted):
    """Draws corresponding points `(n, 2)`, in place."""
    draw_lines(card, np.stack([labelled, predicted], axis=1), _BETWEEN)
    for points, colour in ((labelled, _LABEL), (predicted, _PREDICTION)):
        for point in points:
            draw_disc(card, point, _RADIUS, colour)
