"""Draws the portrait that comes with scikit-image from the front, and from a turned copy of it.

python tools/front_view_picture.py --out docs/figures/front_view.jpg
"""

import argparse
import itertools
import pickle
import time
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from keras_3dmmstn.drawing.panels import tiled, with_caption
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import warp
from keras_3dmmstn.inference.view.photograph_part import PhotographPart
from keras_3dmmstn.network.framing import crop_matrix, tight_box
from keras_3dmmstn.training.data.labelled_faces import joint_landmarks
from keras_3dmmstn.training.turning.face_turner import FaceTurner

_BOX = np.array([177.0, 72.0, 268.0, 190.0])  # of the portrait's landmarks, pixels
_YAW = np.radians(-40)  # of the turned copy
_TURN = (0.1, 0.5, 0.0)  # of a view, axis-angle in radians
_SIZE, _TURNED_SIZE = 256, 400


def main():
    """Draws the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="image file to write")
    out = parser.parse_args().out
    # Eileen Collins, photographed by NASA: in the public domain.
    portrait = skimage.data.astronaut()
    normaliser = Normaliser.pretrained(texture_size=_SIZE)
    (face,) = normaliser(portrait, _BOX[None])
    copy, box = turned_copy(normaliser, portrait, face)
    (turned,) = normaliser(copy, box[None])
    pictures = {
        "photograph": warp(portrait, crop_matrix(_BOX, _SIZE), _SIZE),
        "front view": face.front_view(_SIZE),
        "neutral": face.front_view(_SIZE, expression="neutral"),
        "rotation=(0.1, 0.5, 0)": face.front_view(_SIZE, rotation=_TURN),
        "the same, turned": warp(copy, crop_matrix(box, _SIZE), _SIZE),
        "its front view": turned.front_view(_SIZE),
        'fill="mirror"': turned.front_view(_SIZE, fill="mirror"),
        "its texture, filled": turned.filled_texture("mirror"),
    }
    sheet = tiled([with_caption(picture, text) for text, picture in pictures.items()], 4)
    cv2.imwrite(str(out), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    print_costs(normaliser, portrait)


def print_costs(normaliser, portrait):
    """Prints what views take, processor time, and what faces keep, of small and large portraits."""
    for zoom in (1, 16):
        photograph = cv2.resize(portrait, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
        (face,) = normaliser(photograph, _BOX[None] * zoom)
        part = face.photograph.pixels
        copying = milliseconds(lambda: PhotographPart.around(photograph, face.points))  # noqa: B023
        print(f"face of {part.shape[0]} pixels: {part.nbytes / 1e6:.1f} MB, {copying:.2f} ms")
    print(f"pickled: {len(pickle.dumps(face)) / 1e6:.1f} MB")
    for size, fill in itertools.product((512, 2048), (None, "mirror")):
        drawing = milliseconds(lambda: face.front_view(size, fill=fill))  # noqa: B023
        print(f"front_view({size}, fill={fill!r}): {drawing:.0f} ms")


def milliseconds(function):
    """Returns the least processor time of three calls."""
    times = []
    for _ in range(3):
        start = time.process_time()
        function()
        times.append(1e3 * (time.process_time() - start))
    return min(times)


def turned_copy(normaliser, portrait, face):
    """Returns a portrait with its face turned away, and the box of its landmarks."""
    (labels,) = joint_landmarks(face.landmarks("ibug68")[None], "ibug68")
    turner = FaceTurner(normaliser.grid_model, _TURNED_SIZE)
    fit = turner.fitter.fit(labels)
    turned = turner.turn(portrait, labels, fit, _YAW - fit.yaw)
    return turned.image, tight_box(turned.landmarks[:68, :2])


if __name__ == "__main__":
    main()
