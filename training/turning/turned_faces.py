"""Large poses from ordinary photographs: every face turned further out of the plane."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.folder_lock import folder_in_use
from keras_3dmmstn.inference.boxes import checked_boxes
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.training.data.crops import (
    STORED_SIZE,
    STORED_TO_CROP,
    FaceCrops,
)
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.readers.landmark_table import LANDMARK_TABLE
from keras_3dmmstn.training.data.recorded_settings import labels_checksum, model_checksum
from keras_3dmmstn.training.data.skipped import Skipped, nothing_left, reason_of
from keras_3dmmstn.training.turning.face_turner import FaceTurner, TurnedFace
from keras_3dmmstn.training.turning.new_poses import YAWS, check_yaws, new_poses
from keras_3dmmstn.training.turning.turned_folder import IMAGES, begin_folder

#: Faces with fewer labelled points, or a worse fit (mean error, share of the box), are left out.
FEWEST_POINTS, WORST_FIT = 30, 0.04
_JPEG_QUALITY = 95


def turn_faces(
    faces: LabelledFaces,
    model: GridModel | None = None,
    *,
    copies: int = 2,
    yaws: tuple[float, float] = YAWS,
    seed: int = 0,
    size: int = STORED_SIZE,
    skipped: list[Skipped] | None = None,
    progress: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> Iterator[tuple[int, TurnedFace]]:
    """Yields every face in new poses, with the number of the face that it is made from.

    The result for a face depends only on the seed and its number.

    Args:
        faces: the photographs, most of their `ibug68` points labelled.
        model: has the landmarks of `LANDMARK_SET`; the bundled one by default.
        copies: new poses for each face.
        yaws: |yaw| of the new poses: from, to, radians; at most 100°. A face that is already
            beyond that is turned further by 5°.
        seed: seed for the poses.
        size: side of the pictures in pixels.
        skipped: the faces that cannot be turned are appended here, after those that were left out
            of `faces`.
        progress: called on the sequence of numbers that is iterated over, to show progress.

    Raises:
        ValueError: if `copies` or `size` is not positive, or `yaws` is not a range in 0 to 100°.
    """
    check_turning(copies, yaws, size)
    if skipped is not None:
        skipped += faces.skipped
    turner = FaceTurner(model or GridModel.bundled(), size)
    for number in progress(range(len(faces))):
        landmarks = faces.landmarks[number]
        rng = np.random.default_rng([seed, number])
        try:
            fit = _trusted_fit(turner, landmarks)
            photograph = read_photograph(faces.paths[number], upright=False)
            checked_boxes([tight_box(landmarks[landmarks[:, 2] > 0, :2])], photograph)
            poses = new_poses(fit.yaw, copies, rng, yaws)
            turned = [turner.turn(photograph, landmarks, fit, *pose) for pose in poses]
        except (OSError, ValueError, MemoryError, cv2.error) as error:
            if skipped is not None:
                skipped.append(Skipped(faces.names[number], reason_of(error)))
            continue
        for face in turned:
            yield number, face


def check_turning(copies: int, yaws: tuple[float, float], size: int) -> None:
    """Raises a ValueError unless these settings are within the ranges of `turn_faces`."""
    if copies < 1 or size < 1:
        raise ValueError(
            f"Expected at least one copy and a size of at least 1, received {copies} and {size}."
        )
    check_yaws(yaws)


def turned_faces(faces: LabelledFaces, model: GridModel | None = None, **options: Any) -> FaceCrops:
    """Returns every face in new poses, in the form in which `cut_faces` returns faces.

    Args:
        faces, model, options: as for `turn_faces`, except `skipped`, which the crops contain.

    Raises:
        ValueError: if none of the faces can be turned.
    """
    skipped: list[Skipped] = []
    turned = list(turn_faces(faces, model, skipped=skipped, **options))
    if not turned:
        raise nothing_left(skipped)
    images = np.stack([face.image for _, face in turned])
    landmarks = np.stack([face.landmarks for _, face in turned])
    numbers = np.array([number for number, _ in turned])
    return FaceCrops(images, landmarks, images.shape[1] / STORED_TO_CROP, numbers, tuple(skipped))


def write_turned_faces(
    faces: LabelledFaces,
    folder: str | Path,
    model: GridModel | None = None,
    *,
    copies: int = 2,
    yaws: tuple[float, float] = YAWS,
    seed: int = 0,
    size: int = STORED_SIZE,
    **options: Any,
) -> int:
    """Writes every face in new poses to a folder that `read_landmark_csv` reads.

    A run that was stopped starts again when it is called with the same arguments.

    Args:
        faces, model, copies, yaws, seed, size, options: as for `turn_faces`.
        folder: gets `turned.json` with the settings, `images/` and, once these are complete,
            `landmarks.csv` with subject, 89 points with confidence, and yaw; created if missing.

    Returns:
        How many faces were written.

    Raises:
        ValueError: if the folder contains anything but the turned faces of a run that was stopped,
            that run had other settings, or none of the faces can be turned.
        FolderInUseError: if another process is writing to the folder.
        FileNotFoundError: if written faces are removed before all are written.
    """
    folder, model = Path(folder), model or GridModel.bundled()
    check_turning(copies, yaws, size)
    settings = {
        "copies": copies,
        "yaws": list(yaws),
        "seed": seed,
        "size": size,
        "labels": labels_checksum(faces),
        "face model": model_checksum(model),
    }
    with folder_in_use(folder):
        begin_folder(folder, settings)
        skipped = options.setdefault("skipped", [])
        turned = turn_faces(faces, model, copies=copies, yaws=yaws, seed=seed, size=size, **options)
        written = _write(turned, faces, folder)
        if not written:
            raise nothing_left(skipped)
    return written


def _write(turned, faces, folder):
    """Writes turned faces and, if there are any, their table; returns how many there are."""
    rows = []
    for written, (number, face) in enumerate(turned):
        name = f"{written:06d}.jpg"
        picture = cv2.cvtColor(face.image, cv2.COLOR_RGB2BGR)
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        with atomic_destination(folder / IMAGES / name, sweep=False) as aside:
            aside.write_bytes(data.tobytes())
        values = [f"{value:.2f}" for value in face.landmarks.ravel()]
        rows.append([name, faces.subjects[number], "", "", f"{face.yaw:.4f}", *values])
    if rows:
        _check_all_there(folder, [row[0] for row in rows])
        points = [f"{a}{n}" for n in range(faces.landmarks.shape[1]) for a in "xyc"]
        with (
            atomic_destination(folder / LANDMARK_TABLE) as aside,
            aside.open("w", encoding="utf-8", newline="") as file,
        ):
            table = csv.writer(file)
            table.writerow(["image", "subject", "roll", "pitch", "yaw", *points])
            table.writerows(rows)
    return len(rows)


def _check_all_there(folder, names):
    """Raises a FileNotFoundError if written pictures were removed."""
    gone = [name for name in names if not (folder / IMAGES / name).exists()]
    if gone:
        raise FileNotFoundError(
            f"{folder}: {len(gone)} of {len(names)} turned faces, such as {gone[0]}, are no longer "
            "there: somebody removed them while the others were made. Run it again."
        )


def _trusted_fit(turner, landmarks):
    """Returns the fit to landmarks `(89, 3)`; a ValueError says why it cannot be trusted."""
    known = int((landmarks[:IBUG68_COUNT, 2] > 0).sum())
    if known < FEWEST_POINTS:
        raise ValueError(
            f"expected at least {FEWEST_POINTS} labelled points of ibug68, received {known}."
        )
    fit = turner.fitter.fit(landmarks)
    if not fit.error <= WORST_FIT:
        raise ValueError(
            f"expected points that the face model fits to {WORST_FIT:.0%} of their box, "
            f"received {fit.error:.1%}."
        )
    return fit
