"""The detector's search with other sizes written into its file."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from keras_3dmmstn.export.web.search_network import search_network
from keras_3dmmstn.inference.detection.search import Search


def written(height, width):
    """The file for a size of pictures, as the page changes it."""
    places, content = search_network()
    numbers = np.frombuffer(content, "<i4").copy()
    for sides, side in ((places["heights"], height), (places["widths"], width)):
        for byte, stride, more in sides:
            numbers[byte // 4] = side // stride + more
    return numbers.tobytes()


def test_maps_of_another_size_are_those_of_the_search(rng):
    image = rng.integers(0, 256, (64, 96, 3), np.uint8)
    interpreter = Interpreter(model_content=written(64, 96))
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    padded = np.zeros((1, 65, 97, 3), np.float32)
    padded[0, 1:, 1:] = image
    interpreter.set_tensor(entry["index"], padded)
    interpreter.invoke()
    details = interpreter.get_output_details()
    maps = sorted(
        (interpreter.get_tensor(detail["index"])[0] for detail in details), key=lambda m: -len(m)
    )
    for received, expected in zip(maps, Search(32, 1).maps(image), strict=True):
        np.testing.assert_allclose(received, expected, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(64, 96), (1024, 768)])
def test_the_file_says_its_shapes_itself(height, width):
    """The runtime of a browser takes them from the file."""
    interpreter = Interpreter(model_content=written(height, width))
    (entry,) = interpreter.get_input_details()
    assert entry["shape"].tolist() == [1, height + 1, width + 1, 3]
    shapes = sorted(detail["shape"].tolist() for detail in interpreter.get_output_details())
    assert shapes == [[1, height // stride, width // stride, 16] for stride in (32, 16, 8)]
