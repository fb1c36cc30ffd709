"""Mutants of small files of every format: a value, or a ValueError that names the file."""

import numpy as np
import pytest

from tests.support.mutation import mutant
from tests.support.outside_files import PICTURES

KINDS = (
    *("grid model", "shape model", "arrays", "annotations", "FLAME", "FLAME landmarks"),
    *("Basel 2009, mat", "expressions, mat", "vertex map, mat"),
    *("Basel 2009, compressed mat", "expressions, compressed mat", "vertex map, compressed mat"),
    *("h5", "compressed h5", "3DDFA npy", "3DDFA deviations", "3DDFA triangles"),
    *("eos model", "eos blend shapes", "obj", "off", "ply", "little.ply", "big.ply"),
    *("boxes", "table of a data set", "landmarks.csv", "pts", "settings", "stages", "preset"),
    *("VGG-Face", "camera", *PICTURES),
)
MUTANTS = 12


def test_every_kind_is_tried(outside_files):
    assert set(KINDS) == set(outside_files)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_itself_is_read(outside_files, kind):
    assert outside_files[kind].read() is not None


@pytest.mark.parametrize("kind", KINDS)
def test_mutants_are_read_or_refused_by_name(outside_files, kind):
    path, read = outside_files[kind]
    whole, refused = path.read_bytes(), 0
    try:
        for number in range(MUTANTS):
            path.write_bytes(mutant(whole, np.random.default_rng([7, number])))
            try:
                read()
            except ValueError as error:
                refused += 1
                assert path.name in str(error), f"mutant {number}"
    finally:
        path.write_bytes(whole)
    # Pictures and text forgive much; formats with counts do not.
    assert refused or kind in PICTURES, "no mutant was refused: are they mutants?"
