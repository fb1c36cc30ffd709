"""Choosing faces by the numbers of people."""

from pathlib import Path

import numpy as np
import pytest

from keras_3dmmstn.training.data.labelled_faces import LabelledFaces
from keras_3dmmstn.training.data.subject_ranges import of_subjects


def faces_of(*subjects):
    paths = tuple(Path(f"{number}.jpg") for number in range(len(subjects)))
    return LabelledFaces(paths, np.zeros((len(subjects), 89, 3)), subjects=subjects)


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ("2-10", [False, True, True, True, False, False]),  # both ends belong to it
        ("1", [True, False, False, False, False, False]),
        ("1-2,20", [True, True, False, False, False, True]),
        (" 1 - 2 , 11 ", [True, True, False, False, True, False]),
        ("007", [False, False, True, False, False, False]),
    ],
)
def test_people_are_chosen_by_their_numbers(ranges, expected):
    faces = faces_of("1", "002", "7", "10", "11", "20")
    assert of_subjects(faces, ranges).tolist() == expected


@pytest.mark.parametrize("ranges", ["", "1,", "a-b", "3-1", "1-2-3", "-5", "1.5", "١"])
def test_malformed_ranges_are_refused(ranges):
    with pytest.raises(ValueError, match=r"such as 1-300 or 1-10,20, received ") as error:
        of_subjects(faces_of("1"), ranges)
    assert repr(ranges) in str(error.value)


@pytest.mark.parametrize("subject", ["", "Ann", "1a", "-1", "²"])
def test_a_subject_that_is_no_number_is_named(subject):
    with pytest.raises(ValueError, match=r"is a number, received 1\.jpg with subject") as error:
        of_subjects(faces_of("1", subject), "1-300")
    assert repr(subject) in str(error.value)


def test_people_whom_no_face_shows_are_refused():
    with pytest.raises(ValueError, match="subjects 5-9, received subjects 2 to 11"):
        of_subjects(faces_of("11", "2"), "5-9")
    with pytest.raises(ValueError, match="subjects 5-9, received no faces"):
        of_subjects(faces_of(), "5-9")
