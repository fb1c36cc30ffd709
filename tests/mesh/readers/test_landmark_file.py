"""Landmarks of one's own in a JSON file."""

import numpy as np
import pytest

from keras_3dmmstn.mesh.readers.landmark_file import read_landmark_sets


def test_sets_are_read_by_name(tmp_path):
    path = tmp_path / "landmarks.json"
    path.write_text('{"car": [4, 0, 9], "wheels": [1]}')
    sets = read_landmark_sets(path, 10)
    assert list(sets) == ["car", "wheels"]
    np.testing.assert_array_equal(sets["car"], [4, 0, 9])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected JSON"),
        ("[1, 2]", "vertex numbers by name"),
        ('{"car": 3}', "vertex numbers by name"),
        ('{"car": [1, 10]}', "vertices 0 to 9"),
        ('{"car": [1.5]}', "whole numbers"),
        ('{"car": ["a"]}', "`car`"),
        ('{"a+b": [1]}', "names without"),
        ('{"": [1]}', "names without"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "landmarks.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_landmark_sets(path, 10)
    assert "landmarks.json" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_landmark_sets(tmp_path / "none.json", 10)


def test_a_name_that_comes_twice_is_refused(tmp_path):
    path = tmp_path / "landmarks.json"
    path.write_text('{"car": [1, 2], "car": [3]}')
    with pytest.raises(ValueError, match="the name 'car' comes 2 times"):
        read_landmark_sets(path, 81)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "landmarks.json"
    with path.open("wb") as file:
        file.truncate(16_000_001)
    expected = r"landmarks\.json: expected a file of at most 16,000,000 bytes, received one of 16,"
    with pytest.raises(ValueError, match=expected):
        read_landmark_sets(path, 100)
