"""Labelled photographs and their readers, under their public names."""

from keras_3dmmstn.training.data.faces import (
    LabelledFaces,
    joint_landmarks,
    read_300w,
    read_aflw,
    read_cfp,
    read_faces,
    read_landmark_csv,
)

__all__ = [
    "LabelledFaces",
    "joint_landmarks",
    "read_300w",
    "read_aflw",
    "read_cfp",
    "read_faces",
    "read_landmark_csv",
]
