"""The detector's search for pictures of one size: LiteRT changes no sizes in a browser."""

from importlib import resources

import numpy as np
from tensorflow.lite.tools import flatbuffer_utils

#: Side in pixels of the square that is searched; a multiple of 32.
SEARCHED = 640


def search_network(side: int = SEARCHED) -> bytes:
    """Returns the network of the bundled detector's search for squares of `side` pixels.

    Its input is a row and a column larger, as `inference.detection.search` fills it.
    """
    # Loaded before TensorFlow, LiteRT makes that crash.
    from ai_edge_litert.interpreter import Interpreter

    content = (resources.files("keras_3dmmstn.assets") / "yunet.tflite").read_bytes()
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = np.array([1, side + 1, side + 1, 3], np.int32)
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    resized = bytes(flatbuffer_utils.convert_object_to_bytearray(model))
    # The interpreter computes the shapes of all other tensors from that of the input.
    interpreter = Interpreter(model_content=resized)
    interpreter.allocate_tensors()
    for detail in interpreter.get_tensor_details():
        if detail["index"] < len(graph.tensors):
            graph.tensors[detail["index"]].shape = np.array(detail["shape"], np.int32)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
