"""The networks that are exported."""

import keras
import pytest

from keras_3dmmstn.export.network import input_size


def test_another_network_has_no_input_size():
    image = keras.Input((8, 6, 3))
    outputs = dict.fromkeys(["parameters", "landmarks", "texture", "mask"], image)
    with pytest.raises(ValueError, match=r"\(batch, size, size, 3\), got \(None, 8, 6, 3\)"):
        input_size(keras.Model(image, outputs))
