"""Bins of |yaw|, and as many faces of each."""

import numpy as np
import pytest

from keras_3dmmstn.training.evaluation.yaw_bins import balanced_subset, yaw_bin


def test_yaw_bins_take_in_their_upper_ends_and_the_last_all_beyond():
    yaw = np.array([0, 30, -30, 30.1, -60, 60.1, -90, 130, np.nan])
    np.testing.assert_array_equal(yaw_bin(yaw), [0, 0, 0, 1, 1, 2, 2, 2, -1])


def test_a_balanced_subset_has_as_many_of_each_bin_as_the_smallest():
    yaw = np.array([0, 5, -10, 20, 40, -45, 50, 70, -80, 12])
    chosen = balanced_subset(yaw, seed=1)
    assert np.bincount(yaw_bin(yaw[chosen])).tolist() == [2, 2, 2]
    assert sorted(set(chosen.tolist())) == chosen.tolist()
    np.testing.assert_array_equal(chosen, balanced_subset(yaw, seed=1))
    assert any((balanced_subset(yaw, seed=s) != chosen).any() for s in range(2, 6))


def test_a_balanced_subset_without_a_bin_is_refused():
    with pytest.raises(ValueError, match=r"faces in each of the bins.*received \[2, 0, 1\] faces"):
        balanced_subset(np.array([0.0, 10.0, 70.0, np.nan]))
