"""The paper's Figures 7 and 8 with cars: pictures, their textures, and the mean of these."""

from pathlib import Path

import numpy as np
from car_textures import views_of

from keras_3dmmstn import Normaliser
from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.drawing.panels import encoded, resized, tiled, with_caption
from keras_3dmmstn.inference.fusion.mean_texture import plain_mean

_YAWS, _SEEDS, _TILE = (-50, -20, 15, 45), ((0, "number"), (1, "taxi"), (2, "stripes")), 150


def car_figure(normaliser: Normaliser, path: Path) -> None:
    """Writes a picture: for each of three cars four poses, their textures and the mean texture."""
    tiles = []
    for seed, style in _SEEDS:
        views = views_of(normaliser, seed, _YAWS, style)
        tiles += [resized(_around(picture), _TILE) for picture in views.pictures]
        tiles.append(np.full((_TILE, _TILE, 3), 255, np.uint8))
        tiles += [resized(face.texture, _TILE) for face in views.faces]
        tiles.append(resized(plain_mean(views.faces), _TILE))
    sheet = with_caption(tiled(tiles, len(_YAWS) + 1), "pictures and textures; right: mean texture")
    write_atomically(path, encoded(sheet, path.suffix))


def _around(picture):
    """Returns the middle of a picture, where the car is."""
    margin = len(picture) // 8
    return picture[margin:-margin, margin:-margin]
