"""Small inputs for every command that writes files: photographs, labels of them, a face model."""

import csv
from pathlib import Path

import cv2
import numpy as np

from keras_3dmmstn import Normaliser
from keras_3dmmstn.mesh.synthetic import toy_shape_model
from tests.support.portraits import PORTRAIT_BOX, portrait
from tests.support.videos import moving_portrait, write_video

_FACES, _PHOTOGRAPHS = 48, 8


def write_inputs(folder: Path) -> None:
    """Writes `faces/`, labelled, `photographs/`, `clip.mp4` and `face.npz`, a shape model."""
    picture = portrait()
    landmarks = Normaliser.pretrained()(picture, [PORTRAIT_BOX])[0].landmarks()
    rng = np.random.default_rng(4)
    columns = [f"{axis}{number}" for number in range(len(landmarks)) for axis in "xy"]
    (folder / "faces/images").mkdir(parents=True, exist_ok=True)
    with (folder / "faces/landmarks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *columns])
        for number in range(_FACES):
            matrix = np.array([[1, 0, 0], [0, 1, 0]]) * rng.uniform(0.7, 1.2)
            matrix[:, 2] = rng.uniform(-10, 10, 2)
            size = picture.shape[1::-1]
            name = f"{number:02d}.jpg"
            cv2.imwrite(
                str(folder / "faces/images" / name),
                cv2.warpAffine(picture, matrix, size)[..., ::-1],
            )
            points = landmarks @ matrix[:, :2].T + matrix[:, 2]
            writer.writerow([name, *points.ravel().round(2)])
    (folder / "photographs").mkdir(exist_ok=True)
    for number in range(_PHOTOGRAPHS):
        bright = np.clip(picture * (0.6 + 0.05 * number), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / "photographs" / f"{number}.jpg"), bright[..., ::-1])
    write_video(folder / "clip.mp4", moving_portrait(25))
    toy_shape_model().save(folder / "face.npz")
