"""The detector's search at one size says what it says at that size."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_3dmmstn.export.web.search_network import search_network
from keras_3dmmstn.inference.detection.search import Search


def test_maps_are_those_of_the_search(rng):
    image = rng.integers(0, 256, (64, 64, 3), np.uint8)
    interpreter = Interpreter(model_content=search_network(64))
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    assert entry["shape"].tolist() == [1, 65, 65, 3]
    padded = np.zeros((1, 65, 65, 3), np.float32)
    padded[0, 1:, 1:] = image
    interpreter.set_tensor(entry["index"], padded)
    interpreter.invoke()
    details = interpreter.get_output_details()
    maps = sorted(
        (interpreter.get_tensor(detail["index"])[0] for detail in details), key=lambda m: -len(m)
    )
    for received, expected in zip(maps, Search(32, 1).maps(image), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-4)


@pytest.mark.parametrize("side", [64, 640])
def test_the_file_says_its_shapes_itself(side):
    """The runtime of a browser takes them from the file."""
    interpreter = Interpreter(model_content=search_network(side))
    shapes = sorted(detail["shape"].tolist() for detail in interpreter.get_output_details())
    assert shapes == [[1, side // stride, side // stride, 16] for stride in (32, 16, 8)]
