"""The networks that are exported."""

import keras
import pytest

from keras_3dmmstn.export.card import network_card
from keras_3dmmstn.export.network import input_size, trained_network
from keras_3dmmstn.inference.normaliser import Normaliser
from tests.support.small_network import small_normaliser


def test_another_network_has_no_input_size():
    image = keras.Input((8, 6, 3))
    outputs = dict.fromkeys(["parameters", "landmarks", "texture", "mask"], image)
    with pytest.raises(ValueError, match=r"\(batch, size, size, 3\), got \(None, 8, 6, 3\)"):
        input_size(keras.Model(image, outputs))


@pytest.mark.parametrize(("asked", "expected"), [(None, (16, 12)), (32, (32, 32))])
def test_the_size_of_the_texture_is_the_exports_own(asked, expected):
    plain = small_normaliser()
    source = Normaliser(plain.localiser, plain.grid_model, texture_size=64)
    network = trained_network(source, texture_size=asked)
    card = network_card(source, texture_size=asked)
    for name in ("texture", "mask"):
        assert network.output[name].shape[1:3] == expected
        assert tuple(card["outputs"][name]["shape"][1:3]) == expected
