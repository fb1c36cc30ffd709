"""The network as an ONNX file, by tf2onnx."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.export.card import CARD_KEY, network_card
from keras_3dmmstn.export.network import input_size, trained_network
from keras_3dmmstn.inference.normaliser import Normaliser

#: Version of ONNX's operator set. ONNX Runtime has all of it from 1.14 on.
OPSET = 18


def export_onnx(
    normaliser: Normaliser,
    path: str | Path,
    *,
    landmarks: str = "ibug68",
    visibility: str | None = None,
    texture_size: int | None = None,
) -> Path:
    """Writes the whole network as one `.onnx` file, with a free batch size.

    It has only ONNX's own operators, all in float32. Input and outputs have the names and shapes of
    those of `spatial_transformer`. Its card is in the file's metadata.

    Args:
        normaliser: the trained localiser and its face model.
        path: the file to write; it must not exist.
        landmarks: name of the landmark set, as for `spatial_transformer`.
        visibility: how the mask is computed, as for `spatial_transformer`; as in the normaliser if
            None.
        texture_size: side of texture and mask in pixels, from 32 to 2,048, also sampled between the
            vertices; None for the face model's grid, whatever size the normaliser samples at.

    Returns:
        The path of the file.

    Raises:
        FileExistsError: if `path` exists.
        ValueError: if the face model has no such landmark set, `visibility` is unknown or
            `texture_size` is out of range.
        ImportError: if the extra `export` is not installed.
        OSError: if it cannot be written; then nothing is left of it.
    """
    path = Path(path)
    card = network_card(normaliser, landmarks, None, visibility, texture_size)
    with atomic_destination(path, replace=False) as aside:
        network = trained_network(normaliser, landmarks, visibility, texture_size)
        aside.write_bytes(onnx_model(network, card))
    return path


def onnx_model(network: keras.Model, card: dict[str, Any] | None = None) -> bytes:
    """Returns the content of an `.onnx` file.

    Args:
        network: a network of `spatial_transformer` or `trained_network`.
        card: a card as from `network_card`; it is stored in the file's metadata, as JSON.

    Raises:
        ValueError: if the network is not one of `spatial_transformer`.
        ImportError: if the extra `export` is not installed.
    """
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
    model, _ = tf2onnx.convert.from_function(
        function,
        input_signature=[image],
        opset=OPSET,
        custom_op_handlers={"UnsortedSegmentMin": (_segment_min, [])},
    )
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    # tf2onnx names a domain that nothing in the file uses.
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    if card is not None:
        onnx.helper.set_model_props(model, {CARD_KEY: json.dumps(card)})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _segment_min(context, node, name, _arguments):
    """Writes tf.math.unsorted_segment_min of int32 for tf2onnx, which has it only for floats.

    An empty pixel of the depth buffer keeps the largest integer, as in TensorFlow.
    """
    from onnx import TensorProto, helper

    def made(operator, inputs, **attributes):
        return context.make_node(operator, inputs, attr=attributes).output[0]

    def as_int64(tensor, axis):
        at = context.make_const(f"{name}_axis{axis}", np.array([axis])).output[0]
        return made("Unsqueeze", [made("Cast", [tensor], to=TensorProto.INT64), at])

    data, numbers, count = node.input
    shape, dtypes = context.get_shape(node.output[0]), node.output_dtypes
    largest = helper.make_tensor("value", TensorProto.INT32, [1], [np.iinfo(np.int32).max])
    inputs = [
        made("ConstantOfShape", [as_int64(count, 0)], value=largest),
        as_int64(numbers, -1),
        data,
    ]
    context.remove_node(node.name)
    context.make_node(
        "ScatterND",
        inputs,
        attr={"reduction": "min"},
        outputs=node.output,
        name=name,
        shapes=[shape],
        dtypes=dtypes,
    )
