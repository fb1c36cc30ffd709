"""The network as an ONNX file, by tf2onnx."""

import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_3dmmstn.export.destination import written_aside
from keras_3dmmstn.export.network import input_size

#: Version of ONNX's operator set. ONNX Runtime has all of it from 1.14 on.
OPSET = 18

#: Key of the card in the file's metadata.
CARD_KEY = "keras_3dmmstn"


def write_onnx(network: keras.Model, path: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Writes a network as one `.onnx` file, with a free batch size.

    It has the operators of ONNX itself, all in float32. Input and outputs are called and shaped as
    those of `spatial_transformer`.

    Args:
        network: as of `spatial_transformer` or `trained_network`.
        path: the file to write; there must be nothing yet at it.
        card: such as of `network_card`; written into the file's metadata, as JSON.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if there is something at `path`.
        ValueError: if the network is none of `spatial_transformer`.
        ImportError: if the extra `export` is not installed.
        OSError: if it cannot be written; then nothing is left of it.
    """
    path = Path(path)
    model = onnx_model(network, card)
    with written_aside(path) as aside:
        aside.write_bytes(model)
    return path


def onnx_model(network: keras.Model, card: dict[str, Any] | None = None) -> bytes:
    """Returns the content of the file that `write_onnx` writes; arguments and errors are its."""
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            'The export to ONNX needs tf2onnx and onnx: pip install "keras-3dmmstn[export]".'
        ) from error
    size = input_size(network)
    image = tf.TensorSpec((None, size, size, 3), tf.float32, name="image")
    function = tf.function(
        lambda image: network(image, training=False), input_signature=[image], autograph=False
    )
    model, _ = tf2onnx.convert.from_function(function, input_signature=[image], opset=OPSET)
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    # tf2onnx names a domain that nothing in the file is of.
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    if card is not None:
        onnx.helper.set_model_props(model, {CARD_KEY: json.dumps(card)})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()
