"""The content of TensorFlow Lite models: joining two in sequence, names, operators."""

from collections.abc import Sequence

from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils


def join_models(
    first: bytes, second: bytes, shared: str, link: str, outputs: Sequence[str]
) -> bytes:
    """Joins two models, each in its own precision, into one with one signature.

    Args:
        first: the model that runs first, with one input and one output.
        second: the other model, with inputs called `shared` and `link`.
        shared: name of the input that both models and the result have.
        link: name of the input of the second model that the first computes.
        outputs: names for the outputs of the second model, in order.

    Returns:
        The joined model, whose signature and tensors have these names.

    Raises:
        ValueError: if the models have other inputs or outputs.
    """
    model, tail = (flatbuffer_utils.convert_bytearray_to_object(data) for data in (first, second))
    graph, added = model.subgraphs[0], tail.subgraphs[0]
    given = {added.tensors[i].name.decode(): i for i in added.inputs}
    if set(given) != {shared, link} or len(added.outputs) != len(outputs):
        raise ValueError(
            f"join_models expects a second model with the inputs {shared!r} and {link!r} and "
            f"{len(outputs)} outputs, received one with {sorted(given)} and {len(added.outputs)}."
        )
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ValueError(
            "join_models expects a first model with one input and one output, received one with "
            f"{len(graph.inputs)} and {len(graph.outputs)}."
        )
    # The tensors of the second model follow those of the first, but for its inputs.
    number = {i: len(graph.tensors) + i for i in range(len(added.tensors))}
    number |= {given[shared]: graph.inputs[0], given[link]: graph.outputs[0]}
    number[-1] = -1  # an optional input that is absent
    _append(model, tail, number)

    graph.outputs = [number[i] for i in added.outputs]
    return _named(model, [shared], outputs)


def rename_tensors(model: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    """Returns a model whose signature and tensors have these names, in the order of the graph.

    Raises:
        ValueError: if it has another number of inputs or outputs.
    """
    unpacked = flatbuffer_utils.convert_bytearray_to_object(model)
    graph = unpacked.subgraphs[0]
    if (len(graph.inputs), len(graph.outputs)) != (len(inputs), len(outputs)):
        raise ValueError(
            f"rename_tensors expects a model with {len(inputs)} inputs and {len(outputs)} outputs, "
            f"received one with {len(graph.inputs)} and {len(graph.outputs)}."
        )
    return _named(unpacked, inputs, outputs)


def operator_names(model: bytes) -> list[str]:
    """Returns the names of the operators of a model in alphabetical order, without repeats."""
    codes = flatbuffer_utils.convert_bytearray_to_object(model).operatorCodes
    builtin = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    return sorted({builtin[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes})


def _append(model, tail, number):
    """Appends the content of `tail`; `number` gives the indices of its tensors in `model`."""
    graph, added = model.subgraphs[0], tail.subgraphs[0]
    for tensor in added.tensors:
        # Buffer 0 is the empty one in every file.
        tensor.buffer += len(model.buffers) - 1 if tensor.buffer else 0
    for operator in added.operators:
        operator.opcodeIndex += len(model.operatorCodes)
        operator.inputs = [number[i] for i in operator.inputs]
        operator.outputs = [number[i] for i in operator.outputs]
    graph.tensors += added.tensors
    graph.operators += added.operators
    model.operatorCodes += tail.operatorCodes
    model.buffers += tail.buffers[1:]


def _named(model, inputs, outputs):
    """Returns the content of a model whose inputs and outputs are given these names."""
    graph = model.subgraphs[0]
    given = dict(zip(inputs, graph.inputs, strict=True))
    results = dict(zip(outputs, graph.outputs, strict=True))
    for name, index in {**given, **results}.items():
        graph.tensors[index].name = name.encode()
    model.signatureDefs = [_signature(given, results)]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _signature(inputs, outputs):
    """Returns the signature of a model with such names and tensor numbers."""
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
    signature.inputs, signature.outputs = _tensor_maps(inputs), _tensor_maps(outputs)
    return signature


def _tensor_maps(tensors):
    """Returns the entries of a signature for names and tensor numbers."""
    maps = []
    for name, index in tensors.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), index
        maps.append(entry)
    return maps
