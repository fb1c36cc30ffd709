"""The network of the detector's search, into which the page writes other picture sizes."""

from importlib import resources
from typing import Any

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

# Two sides of pictures in pixels, multiples of 32.
_SIDE, _OTHER_SIDE = 640, 320


def search_network() -> tuple[dict[str, Any], bytes]:
    """Returns the positions of sizes in the network of the bundled detector's search, and its file.

    LiteRT cannot change sizes in a browser, but the few numbers of the file that depend on them can
    be changed before it is compiled. Each is a little-endian 32-bit integer at some byte, and has
    the value `side / stride + more`: `heights` and `widths` list (byte, stride, more).

    The input is one row and one column larger than a picture, as `inference.detection.search` fills
    it.
    """
    square, lower, narrower = (
        np.frombuffer(_file(*size), "<i4")
        for size in [(_SIDE, _SIDE), (_OTHER_SIDE, _SIDE), (_SIDE, _OTHER_SIDE)]
    )
    places = {"heights": _places(square, lower), "widths": _places(square, narrower)}
    return places, square.tobytes()


def _file(height, width):
    """Returns the network's file for one size of pictures."""
    # If LiteRT is loaded before TensorFlow, TensorFlow crashes.
    from ai_edge_litert.interpreter import Interpreter

    content = (resources.files("keras_3dmmstn.assets") / "yunet.tflite").read_bytes()
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = np.array([1, height + 1, width + 1, 3], np.int32)
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    resized = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    # The interpreter computes the shapes of all other tensors from that of the input.
    interpreter = Interpreter(model_content=resized)
    interpreter.allocate_tensors()
    for detail in interpreter.get_tensor_details():
        if detail["index"] < len(graph.tensors):
            graph.tensors[detail["index"]].shape = np.array(detail["shape"], np.int32)
    content = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    return content + bytes(-len(content) % 4)


def _places(numbers, others):
    """Returns (byte, stride, more) of the numbers that differ between two files."""
    places = []
    for place in np.flatnonzero(numbers != others):
        stride = (_SIDE - _OTHER_SIDE) // int(numbers[place] - others[place])
        places.append([4 * int(place), stride, int(numbers[place]) - _SIDE // stride])
    return places
