"""A picture of many textures: photographs, and what one or several sets of weights make of them.

python experiments/texture_montage.py FOLDER [--weights FOLDER ...] [--photographs 50] [--out PNG]

FOLDER holds labelled faces, such as `300w/afw`. The photographs are chosen evenly from it. For each
the picture has a crop and then, for each set of weights, texture and front view side by side, in
the order of the command line; "bundled" stands for the weights of the package. Look at it as
somebody would who knows the person.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from experiment import results_file

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

SIZE, COLUMNS = 224, 5
BUNDLED = "bundled"


def pictures_of(normalisers: list[Normaliser], path: Path, box: np.ndarray) -> np.ndarray:
    """Returns one row of pictures: a photograph's crop, and textures and front views.

    Args:
        normalisers: one for each set of weights, with textures of `SIZE`.
        path: the photograph's.
        box: `(4,)` of the face's landmarks.
    """
    photograph = read_photograph(path, upright=False)
    row = [warp(photograph, framing.crop_matrix(box, SIZE), SIZE)]
    for normaliser in normalisers:
        (face,) = normaliser(photograph, box[None])
        row += [face.texture, face.front_view(SIZE)]
    return np.concatenate(row, axis=1)


def montage(rows: list[np.ndarray], columns: int = COLUMNS) -> np.ndarray:
    """Returns rows of one shape, so many beside each other, with white below the last."""
    rows = rows + [np.full_like(rows[0], 255)] * (-len(rows) % columns)
    lines = [np.concatenate(rows[k : k + columns], axis=1) for k in range(0, len(rows), columns)]
    return np.concatenate(lines)


def main():
    """Normalises the photographs and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", nargs="+", default=[BUNDLED], help=f"folders, or {BUNDLED}")
    parser.add_argument("--photographs", type=int, default=50)
    parser.add_argument("--columns", type=int, default=COLUMNS)
    parser.add_argument("--out", type=Path, default=results_file("textures.png", record=False))
    arguments = parser.parse_args()
    normalisers = [
        Normaliser.pretrained(texture_size=SIZE)
        if name == BUNDLED
        else Normaliser.load(name, texture_size=SIZE)
        for name in arguments.weights
    ]
    faces = read_faces(arguments.folder)
    count = min(arguments.photographs, len(faces.paths))
    chosen = np.linspace(0, len(faces.paths) - 1, count).astype(int)
    rows = [
        pictures_of(normalisers, faces.paths[n], framing.tight_box(faces.landmarks[n, :68, :2]))
        for n in chosen
    ]
    cv2.imwrite(str(arguments.out), montage(rows, arguments.columns)[..., ::-1])
    print(arguments.out)


if __name__ == "__main__":
    main()
