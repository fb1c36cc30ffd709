"""Faces for the confidence: equally many of each data set, of photographs and of shards."""

import csv
import json

import numpy as np
import pytest

from keras_3dmmstn.training.confidence.chosen_faces import chosen_faces, equal_shares
from keras_3dmmstn.training.data.conversion import convert
from keras_3dmmstn.training.data.faces import read_faces
from tests.support.face_folders import spot_of, spotted_faces


@pytest.fixture
def photographs(tmp_path):
    """A folder of five photographs with a white spot on landmark 30, the tip of the nose."""
    folder = tmp_path / "photographs"
    faces = spotted_faces(folder / "images", 5)
    with (folder / "landmarks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", *(f"{axis}{number}" for number in range(68) for axis in "xy")])
        for path, points in zip(faces.paths, faces.landmarks[:, :68, :2], strict=True):
            writer.writerow([path.name, *points.ravel()])
    return folder


@pytest.mark.parametrize(
    ("counts", "most", "expected"),
    [
        ([10, 3, 50], 100, [10, 3, 50]),
        ([10, 3, 50], 33, [10, 3, 20]),
        ([10, 3, 50], 9, [3, 3, 3]),
        ([10, 10, 10], 29, [9, 10, 10]),
        ([7], 5, [5]),
    ],
)
def test_all_or_equally_many_are_taken(counts, most, expected):
    assert equal_shares(counts, most) == expected


def test_faces_of_photographs_and_of_shards_have_their_landmarks(photographs, tmp_path):
    convert(read_faces(photographs), tmp_path / "shards", 144)
    faces = chosen_faces([photographs, tmp_path / "shards"], 4, 192)
    assert faces.images.shape == (4, 192, 192, 3) and faces.landmarks.shape == (4, 89, 3)
    assert faces.crop_side == 128
    for image, points in zip(faces.images, faces.landmarks, strict=True):
        np.testing.assert_allclose(spot_of(image), points[30, :2], atol=0.6)
    first, second = faces.landmarks[:2], faces.landmarks[2:]
    assert not np.allclose(first, second, atol=2)  # another choice of the same five
    everyone = chosen_faces([photographs, tmp_path / "shards"], 10, 192).landmarks
    photographed, stored = (sorted(part.tolist()) for part in (everyone[:5], everyone[5:]))
    np.testing.assert_allclose(photographed, stored, atol=0.01)  # shards are shuffled


def test_no_folder_is_refused():
    with pytest.raises(ValueError, match="at least one folder"):
        chosen_faces([], 4, 192)


def test_shards_that_claim_more_faces_than_they_can_hold_are_refused(photographs, tmp_path):
    convert(read_faces(photographs), tmp_path / "shards", 144)
    index = json.loads((tmp_path / "shards/index.json").read_text())
    index["shards"][0]["faces"] = 500_000
    (tmp_path / "shards/index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"index\.json: expected the index of face crops"):
        chosen_faces([tmp_path / "shards"], 4, 192)
    index["shards"][0]["faces"] = 6
    (tmp_path / "shards/index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="expected 6 faces, as its index says, found fewer"):
        chosen_faces([tmp_path / "shards"], 6, 192)


def test_photographs_that_are_missing_are_told(photographs):
    (photographs / "images/3.png").unlink()
    faces = chosen_faces([photographs], 5, 96)
    assert len(faces) == 4 and "3.png" in str(faces.skipped[0])
