"""Pairs of photographs from a file, and the people who are left out."""

import pytest
from recognition_folder import read_pairs, subjects_of


def test_pairs_are_read_in_the_form_of_lfw(tmp_path):
    file = tmp_path / "pairs.txt"
    file.write_text("10\t300\nAda\t1\t2\nAda\t2\tBob\t1\nAda\t1\t9\nBob\t1\tEve\t1\n")
    pairs, same = read_pairs(file, [("Ada", 1), ("Ada", 2), ("Bob", 1)])
    assert pairs.tolist() == [[0, 1], [1, 2]] and same.tolist() == [True, False]


def test_a_file_without_pairs_that_are_there_has_none(tmp_path):
    (tmp_path / "pairs.txt").write_text("10\t300\n")
    pairs, same = read_pairs(tmp_path / "pairs.txt", [])
    assert pairs.shape == (0, 2) and same.shape == (0,)


@pytest.mark.parametrize("line", [b"Ada\t1\tx", b"Ada\tx\tBob\t1", b"Ad\xff\t1\t2"])
def test_a_file_of_anything_else_is_named(line, tmp_path):
    (tmp_path / "pairs.txt").write_bytes(b"10\t300\n" + line)
    with pytest.raises(ValueError, match=r"pairs\.txt.*: expected (a pair|pairs in LFW)"):
        read_pairs(tmp_path / "pairs.txt", [])


def test_people_who_were_learnt_from(tmp_path):
    (tmp_path / "landmarks.csv").write_text("image,subject,x0,y0\na.jpg,Ada,1,2\nb.jpg,Ada,1,2\n")
    assert subjects_of(tmp_path) == {"Ada"}
