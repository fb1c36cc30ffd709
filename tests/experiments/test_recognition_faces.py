"""What the people of CFP are for, by the fold that is tested."""

import numpy as np
import pytest
from recognition_faces import TEST, TRAINING, VALIDATION, roles_of_cfp

NUMBERS = np.arange(1, 351)


@pytest.mark.parametrize("fold", range(1, 8))
def test_a_fold_is_tested_the_twenty_before_choose_and_all_others_are_trained_on(fold):
    role = roles_of_cfp(NUMBERS, fold)
    tested = [50 * (fold - 1) + n for n in range(1, 51)]
    before = [(tested[0] - 1 - n) % 350 + 1 for n in range(1, 21)]
    assert list(NUMBERS[role == TEST]) == tested
    assert sorted(NUMBERS[role == VALIDATION]) == sorted(before)
    assert (role == TRAINING).sum() == 280
