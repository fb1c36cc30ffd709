"""Turns the portrait that comes with scikit-image and puts the pictures side by side.

python tools/turned_portrait.py --out docs/large_poses.jpg
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.training.data.labelled_faces import joint_landmarks
from keras_3dmmstn.training.turning.face_turner import DOUBTFUL, FaceTurner

_BOX = [177, 72, 268, 190]  # of the portrait's landmarks, pixels
_YAWS = (0, -30, -45, -60, -75)  # degrees
_SIZE, _MARGIN = 256, 20
_SURE, _IN_DOUBT = (60, 220, 60), (230, 60, 60)


def main():
    """Draws the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="image file to write")
    out = parser.parse_args().out
    # Eileen Collins, photographed by NASA: in the public domain.
    portrait = skimage.data.astronaut()
    (face,) = Normaliser.pretrained()(portrait, np.array([_BOX], float))
    (labels,) = joint_landmarks(face.landmarks("ibug68")[None], "ibug68")
    turner = FaceTurner(GridModel.bundled(), _SIZE)
    fit = turner.fitter.fit(labels)
    pictures = [
        with_points(turner.turn(portrait, labels, fit, np.radians(yaw) - fit.yaw)) for yaw in _YAWS
    ]
    inside = slice(_MARGIN, _SIZE - _MARGIN)
    sheet = np.concatenate([picture[inside, inside] for picture in pictures], axis=1)
    cv2.imwrite(str(out), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])


def with_points(face):
    """Returns a turned face's picture with its 68 points, those in doubt in red."""
    picture = face.image.copy()
    for x, y, confidence in face.landmarks[:68].tolist():
        colour = _IN_DOUBT if confidence <= DOUBTFUL else _SURE
        cv2.circle(picture, (round(16 * x), round(16 * y)), 24, colour, -1, cv2.LINE_AA, 4)
    return picture


if __name__ == "__main__":
    main()
