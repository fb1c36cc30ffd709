"""Photographs of known people as the inputs of a recognition network: crops, textures, views."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from identity_pairs import read_cfp, read_youtube

from keras_3dmmstn import GridModel, NormalisedFace, Normaliser
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network import framing

SIZE = 64  # pixels along a side of what the network sees
CFP_FOLDS = 7
#: What a photograph is for.
TRAINING, VALIDATION, TEST, UNUSED = range(4)
# People of a fold of CFP's protocols, and how many before them are for validation. Those of YouTube
# Faces go by folder, each tenth of the training folder is for validation.
_PEOPLE_OF_FOLD, _VALIDATED = 50, 20
#: The arrays of a folder of prepared faces, `(faces, ...)`: what networks see, and numbers.
PICTURES = ("crop", "aligned", "texture", "mask", "filled", "front", "framed")
NUMBERS = ("identity", "yaw", "person", "role")
# A plain or aligned crop is closer than the localiser's: 1.3 times the box of the landmarks.
_CLOSER = framing.CROP_TO_BOX / 1.3
_AT_ONCE = 32
_YOUTUBE_PAIRS = 3000


@dataclass(frozen=True)
class People:
    """Photographs of people who are trained on, and of others, with pairs of these.

    Attributes:
        paths, boxes: the photographs and `(n, 4)` the face in each.
        person: `(n,)` a number for each person.
        role: `(n,)` what the person is for.
        pairs, same: as of `IdentityPairs`; of photographs for tests.
    """

    paths: tuple[Path, ...]
    boxes: np.ndarray
    person: np.ndarray
    role: np.ndarray
    pairs: dict[str, np.ndarray]
    same: dict[str, np.ndarray]


def read_people(faces: Path, fold: int = CFP_FOLDS) -> People:
    """Reads CFP and YouTube Faces.

    Of CFP, the people of one fold of its protocols are for tests, the 20 before them are for
    choosing numbers, and all others are trained on: of the seventh fold 301 to 350, 281 to 300 and
    1 to 280. Of `youtube/train` each tenth person is for choosing numbers; those of `youtube/val`
    are for tests.
    """
    cfp = read_cfp(faces / "cfp", CFP_FOLDS)
    with (faces / "cfp/landmarks.csv").open(newline="") as file:
        numbers = np.array([int(row["person"]) for row in csv.DictReader(file)])
    parts = [(cfp, [f"cfp {n}" for n in numbers], roles_of_cfp(numbers, fold))]
    for part in ("train", "val"):
        videos = read_youtube(faces / "youtube" / part, _YOUTUBE_PAIRS)
        names = [path.stem.rpartition("_")[0] for path in videos.paths]
        number = np.unique(names, return_inverse=True)[1]
        for_training = np.where(number % 10 == 9, VALIDATION, TRAINING)
        parts.append((videos, names, for_training if part == "train" else 0 * number + TEST))
    pairs, same, first = {}, {}, 0
    for people, _, role in parts:
        for name, chosen in people.pairs.items():
            tested = (role[chosen] == TEST).all(axis=1)
            if tested.any():
                pairs[name], same[name] = chosen[tested] + first, people.same[name][tested]
        first += len(people.paths)
    names = [name for _, part, _ in parts for name in part]
    return People(
        tuple(path for people, _, _ in parts for path in people.paths),
        np.concatenate([people.boxes for people, _, _ in parts]),
        np.unique(names, return_inverse=True)[1],
        np.concatenate([role for _, _, role in parts]),
        pairs,
        same,
    )


def roles_of_cfp(numbers: np.ndarray, fold: int) -> np.ndarray:
    """Returns what people of CFP, counted from 1, are for if a fold is tested."""
    after_fold = (numbers - 1 - _PEOPLE_OF_FOLD * fold) % (_PEOPLE_OF_FOLD * CFP_FOLDS)
    first_tested = _PEOPLE_OF_FOLD * (CFP_FOLDS - 1)
    return np.digitize(after_fold, [first_tested - _VALIDATED, first_tested])


class PreparedFaces:
    """The arrays of a folder that `prepare` wrote.

    Args:
        folder: the folder.
        people: those whom it was prepared of, with their roles.

    Attributes:
        identity: `(n, D)` the identity coefficients of each photograph.
        yaw: `(n,)` degrees.
        person, role: as of `People`; `UNUSED` where no face was given.
    """

    def __init__(self, folder: Path, people: People):
        self._folder = folder
        self.identity, self.yaw, self.person, role = map(self._array, NUMBERS)
        self.role = np.where(role == UNUSED, UNUSED, people.role)

    def pictures(self, names: Sequence[str], chosen: np.ndarray) -> np.ndarray:
        """Returns pictures `(n, size, size, channels)` uint8 of some photographs, as channels."""
        return np.concatenate([self._array(name)[chosen] for name in names], axis=-1)

    def _array(self, name):
        return np.load(self._folder / f"{name}.npy", mmap_mode="r")


def prepare(people: People, normaliser: Normaliser, folder: Path) -> None:
    """Writes the inputs of all photographs with a box into a folder, an array each.

    Pictures of photographs without one are black, and their role is `UNUSED`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count, finest = len(people.paths), normaliser.image_size
    shapes = dict.fromkeys(PICTURES, (SIZE, SIZE, 3))
    shapes |= {"mask": (SIZE, SIZE, 1), "framed": (finest, finest, 3)}
    arrays = {name: np.zeros((count, *shape), np.uint8) for name, shape in shapes.items()}
    identity = np.zeros((count, normaliser.grid_model.identity_count), np.float32)
    yaw, role = np.full(count, np.nan, np.float32), np.full(count, UNUSED)
    template = template_of(normaliser.grid_model)
    for number, photograph, face in _fitted(people, normaliser):
        for name, picture in pictures_of(photograph, face, template, finest).items():
            arrays[name][number] = picture
        identity[number] = face.parameters["identity"]
        yaw[number], role[number] = face.pose.yaw, people.role[number]
    numbers = (identity, yaw, people.person, role)
    for name, array in (*arrays.items(), *zip(NUMBERS, numbers, strict=True)):
        np.save(folder / f"{name}.npy", array)


def _fitted(people: People, normaliser: Normaliser) -> Iterator[tuple]:
    """Yields number, photograph and face of each photograph that has a box."""
    numbers = np.flatnonzero(np.isfinite(people.boxes).all(axis=1))
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        photographs = [read_photograph(people.paths[n], upright=False) for n in part]
        found = normaliser.normalise_batch(photographs, [people.boxes[n][None] for n in part])
        for number, photograph, one in zip(part, photographs, found, strict=True):
            yield int(number), photograph, one.faces[0]


def pictures_of(photograph, face: NormalisedFace, template, finest) -> dict[str, np.ndarray]:
    """Returns what networks see of a face, by name."""
    plain = _tight_crop(face.box)
    aligned, _ = cv2.estimateAffinePartial2D(face.landmarks()[17:], template, method=cv2.LMEDS)
    return {
        "crop": warp(photograph, plain, SIZE),
        "aligned": warp(photograph, plain if aligned is None else aligned, SIZE),
        "texture": face.texture,
        "mask": face.mask[..., None] * np.uint8(255),
        "filled": face.filled_texture(),
        "front": face.front_view(SIZE, background=(0, 0, 0)),
        "framed": warp(photograph, framing.crop_matrix(face.box, finest), finest),
    }


def template_of(model: GridModel) -> np.ndarray:
    """Returns where an aligned crop has the 51 inner landmarks of the mean face, `(51, 2)`."""
    points = model.mean[model.landmarks["ibug68"], :2]
    return framing.apply_similarity(_tight_crop(framing.tight_box(points)), points)[17:]


def _tight_crop(box):
    """Returns the similarity from photograph to a crop with little around the face, `(2, 3)`."""
    middle = np.array([[0, 0, (SIZE - 1) / 2]] * 2)
    return (framing.crop_matrix(box, SIZE) - middle) * _CLOSER + middle
