"""The files of AFLW2000-3D, the benchmark for face alignment in large poses."""

from pathlib import Path

import numpy as np

from keras_3dmmstn.mesh.formats.mat_file import read_mat
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT
from keras_3dmmstn.training.data.labelled_faces import LabelledFaces, joint_landmarks
from keras_3dmmstn.training.data.plausible_faces import plausible_faces
from keras_3dmmstn.training.data.readers.label_files import (
    label_files,
    photographs_beside,
    read_each,
)

# The 68 points and pitch, yaw, roll in the files.
_POINTS, _POSE = "pt3d_68", "Pose_Para"


def is_aflw2000(folder: str | Path) -> bool:
    """Returns whether a folder contains photographs `*.jpg` with `*.mat` beside them."""
    return bool(_pairs(folder))


def read_aflw2000(folder: str | Path) -> LabelledFaces:
    """Reads the folder of AFLW2000-3D: `image00002.jpg`, `image00002.mat` and so on.

    The 2D labels are the first two rows of `pt3d_68`: all 68 points of a fitted 3D face, including
    hidden ones. They count pixels from 1, as MATLAB does: 3DDFA's benchmark compares them with
    predictions in that frame, from which 3DDFA_V2 subtracts 1 for use in Python. So 1 is subtracted
    from the labels here.

    Returns:
        Faces with 89 points, of which the 68 of `ibug68` are labelled, and with roll, pitch and
        yaw in radians, from `Pose_Para`. Those whose `.mat` file is malformed are in `skipped`.

    Raises:
        ValueError: if there is no such pair of files, or none that can be read.

    Source:
        Zhu et al. 2016, "Face Alignment Across Large Poses: A 3D Solution"; the frame of the labels
        from github.com/cleardusk/3DDFA, benchmark.py and benchmark_aflw2000.py, and 3DDFA_V2,
        utils/tddfa_util.py.
    """
    pairs = _pairs(folder)
    if not pairs:
        raise ValueError(f"Expected .jpg and .mat files of AFLW2000-3D in {folder}, found none.")
    names = [str(photograph) for photograph in pairs.values()]
    labels, places, skipped = read_each(pairs, names, _read_labels)
    points, poses = zip(*labels, strict=True)
    pitch, yaw, roll = np.stack(poses).T
    return plausible_faces(
        LabelledFaces(
            tuple(Path(names[place]) for place in places),
            joint_landmarks(np.stack(points) - 1, "ibug68"),
            pose=np.stack([roll, pitch, yaw], axis=1),
            sources=("AFLW2000-3D",) * len(places),
            skipped=tuple(skipped),
        )
    )


def _pairs(folder):
    """Returns the label files that have a photograph, with these photographs."""
    files = label_files(Path(folder), ".mat")
    pairs = zip(files, photographs_beside(files, (".jpg",)), strict=True)
    return {file: photograph for file, photograph in pairs if photograph.exists()}


def _read_labels(file):
    """Returns the 68 points `(68, 2)` as written, and pitch, yaw, roll in radians."""
    content = read_mat(file, [_POINTS, _POSE])
    if len(content) < 2:
        raise ValueError(
            f"{file}: expected a MATLAB file with {_POINTS} and {_POSE}, received one with "
            f"{' and '.join(content) or 'neither'}."
        )
    points, pose = content[_POINTS].astype(float), content[_POSE].astype(float).ravel()
    if points.shape != (3, IBUG68_COUNT) or len(pose) != 7 or not np.isfinite(points).all():
        raise ValueError(
            f"{file}: expected finite {_POINTS} of shape (3, 68) and {_POSE} of 7 numbers, "
            f"received shape {points.shape} and {len(pose)} numbers."
        )
    return points[:2].T, pose[:3]
