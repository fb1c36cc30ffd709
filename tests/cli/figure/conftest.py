"""Photographs of persons, and weights that say where the faces are."""

import pytest

from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.faces_with_labels import normaliser_that_says, write_photographs


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    normaliser_that_says((0, 2, 0.2)).save(folder)
    return folder


@pytest.fixture
def persons(tmp_path):
    """Folders with two photographs of Ann Other and one of Bob, and a file of their boxes."""
    folder = tmp_path / "persons"
    paths = write_photographs(folder / "Ann_Other", 2) + write_photographs(folder / "Bob", 1)
    (folder / "Ann_Other" / "notes.txt").write_text("no photograph")
    (folder / "empty").mkdir()
    rows = [
        f"{path.parent.name}/{path.name},{40 + 9 * n},50,140,150" for n, path in enumerate(paths)
    ]
    boxes = folder / "boxes.csv"
    boxes.write_text("image,x0,y0,x1,y1\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture
def faces_of(weights, persons):
    """Returns the faces of a person."""

    def faces(name, texture_size=None):
        normaliser = Normaliser.load(weights, texture_size=texture_size)
        boxes = {"Ann_Other": (40, 49), "Bob": (58,)}[name]
        return [
            normaliser(persons / name / f"image_{n}.png", [[x, 50, 140, 150]])[0]
            for n, x in enumerate(boxes)
        ]

    return faces
