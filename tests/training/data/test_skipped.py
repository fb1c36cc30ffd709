"""Why faces are left out."""

import pytest

from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.training.data.skipped import reason_of


def test_a_missing_photograph_is_named_without_numbers_of_the_system(tmp_path):
    path = tmp_path / "none.jpg"
    with pytest.raises(FileNotFoundError) as caught:
        read_photograph(path)
    assert reason_of(caught.value) == f"{path}: No such file or directory"
    assert reason_of(ValueError("damaged")) == "damaged"
