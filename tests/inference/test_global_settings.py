"""Settings of Keras for a whole program do not change what is found in photographs."""

import numpy as np
import pytest

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from tests.support.global_settings import global_setting
from tests.support.paths import ROOT

PHOTOGRAPH = ROOT / "keras_3dmmstn" / "assets" / "portrait.jpg"


@pytest.fixture(scope="module")
def expected():
    return Normaliser.pretrained()(PHOTOGRAPH)[0]


@pytest.mark.parametrize(
    "setting",
    ["mixed_float16", "mixed_bfloat16", "floatx float64", "floatx float16", "channels_first"],
)
def test_detector_and_normaliser_find_the_same(setting, expected):
    with global_setting(setting):
        (face,) = Normaliser.pretrained()(read_photograph(PHOTOGRAPH))
    np.testing.assert_array_equal(face.box, expected.box)
    np.testing.assert_array_equal(face.landmarks(), expected.landmarks())
    np.testing.assert_array_equal(face.texture, expected.texture)
    np.testing.assert_array_equal(face.mask, expected.mask)
