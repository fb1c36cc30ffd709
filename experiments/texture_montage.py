"""A picture of many textures: photographs, and what one or several sets of weights make of them.

python experiments/texture_montage.py FOLDER [--unlabelled] [--weights FOLDER ...]
    [--photographs 50] [--out PNG]

FOLDER contains labelled faces, such as `300w/afw`, or only photographs, of which the largest face
found is shown. They are chosen evenly from it. For each, the picture has a crop and then, for each
set of weights, texture and front view side by side, in the order of the command line; "bundled"
stands for the weights of the package. Look at it like somebody who knows the person.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from experiment import results_file

from keras_3dmmstn.inference.central_face import PHOTOGRAPHS
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


def labelled_boxes(folder: Path, count: int) -> Iterator[tuple[Path, np.ndarray]]:
    """Yields photographs of a folder of labelled faces, with the box `(4,)` of the landmarks."""
    faces = read_faces(folder)
    for number in evenly_chosen(len(faces.paths), count):
        yield faces.paths[number], framing.tight_box(faces.landmarks[number, :68, :2])


def found_boxes(folder: Path, count: int) -> Iterator[tuple[Path, np.ndarray]]:
    """Yields photographs of a folder, with the box `(4,)` of the largest face that is found."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS)
    normaliser = Normaliser.pretrained()
    for number in evenly_chosen(len(paths), count):
        for face in normaliser(paths[number])[:1]:
            yield paths[number], face.box


def evenly_chosen(among: int, count: int) -> np.ndarray:
    """Returns at most `count` of so many numbers, from the first to the last."""
    return np.linspace(0, among - 1, min(count, among)).astype(int)


def montage(rows: list[np.ndarray], columns: int = COLUMNS) -> np.ndarray:
    """Returns rows of one shape, so many beside each other, with white below the last."""
    rows = rows + [np.full_like(rows[0], 255)] * (-len(rows) % columns)
    lines = [np.concatenate(rows[k : k + columns], axis=1) for k in range(0, len(rows), columns)]
    return np.concatenate(lines)


def main():
    """Normalises the photographs and writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--unlabelled", action="store_true", help="it has photographs alone")
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
    read = found_boxes if arguments.unlabelled else labelled_boxes
    rows = [
        pictures_of(normalisers, path, box)
        for path, box in read(arguments.folder, arguments.photographs)
    ]
    cv2.imwrite(str(arguments.out), montage(rows, arguments.columns)[..., ::-1])
    print(arguments.out)


if __name__ == "__main__":
    main()
