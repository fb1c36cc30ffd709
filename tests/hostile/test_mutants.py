"""Mutants of small files of every format: a value, or a ValueError that names the file."""

import numpy as np
import pytest

from tests.support.network_files import NETWORK_FILES
from tests.support.outside_files import PICTURES

KINDS = (
    *("grid model", "shape model", "arrays", "annotations", "FLAME", "FLAME landmarks"),
    *("Basel 2009, mat", "expressions, mat", "vertex map, mat"),
    *("Basel 2009, compressed mat", "expressions, compressed mat", "vertex map, compressed mat"),
    *("h5", "compressed h5", "3DDFA npy", "3DDFA deviations", "3DDFA triangles"),
    *("eos model", "eos blend shapes", "obj", "off", "ply", "little.ply", "big.ply"),
    *("boxes", "table of a data set", "landmarks.csv", "pts", "settings", "stages", "preset"),
    *("VGG-Face", "camera", *PICTURES),
    *("done stages", "record of a run", "settings of a run", "turned faces", "index of shards"),
    *("progress of a run", "plan", "photographs of a plan", "outcome of a shard", "manifest"),
    *("attempts", "results of a photograph", "results of a video", "results of fuse"),
    *("card of an export", "AFLW"),
)
# Those that take a process of their own for each file are read by `tools/fuzz.py` alone.
NETWORK_KINDS = [kind for kind in NETWORK_FILES if "SavedModel" not in kind and "exp" not in kind]
# Pictures, videos and text forgive much, and notes that are damaged count for nothing; formats with
# counts do not.
FORGIVING = (*PICTURES, "mkv", "avi", "attempts")
MUTANTS, SLOW_MUTANTS = 12, 4


def test_every_kind_is_tried(outside_files):
    assert set(KINDS) == set(outside_files)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_itself_is_read(outside_files, kind):
    assert outside_files[kind].read() is not None


@pytest.mark.parametrize("kind", KINDS)
def test_mutants_are_read_or_refused_by_name(outside_files, kind):
    refused = refused_of(outside_files[kind], MUTANTS)
    assert refused or kind in FORGIVING, "no mutant was refused: are they mutants?"


@pytest.mark.parametrize("kind", NETWORK_KINDS)
def test_mutants_of_networks_are_read_or_refused_by_name(kind, tmp_path):
    file = NETWORK_FILES[kind](tmp_path)
    assert file.read() is not None
    refused = refused_of(file, SLOW_MUTANTS)
    assert refused or kind in FORGIVING, "no mutant was refused: are they mutants?"


def refused_of(file, count):
    """Reads so many mutants of a file; returns how many were refused."""
    path, read, mutant = file
    whole, refused = path.read_bytes(), 0
    try:
        for number in range(count):
            path.write_bytes(mutant(whole, np.random.default_rng([7, number])))
            try:
                read()
            except ValueError as error:
                refused += 1
                assert path.name in str(error), f"mutant {number}"
    finally:
        path.write_bytes(whole)
    return refused
