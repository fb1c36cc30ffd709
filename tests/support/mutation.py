"""Mutants of files: a byte, number or value changed, a part cut out, doubled or moved."""

import copy
import io
import json
import re
import struct
import tempfile
import zipfile
from pathlib import Path

import numpy as np

_NUMBERS = [0, 1, 2, 3, 255, 256, 32767, 32768, 65535, 2**31 - 1, 2**31, 2**32 - 1, 10**9]
_WORDS = b"-1 0 1 2 7 255 65536 999999999 2147483648 1e9 1e38 1e400 nan inf -inf 0x10 x".split()
# What may stand in JSON in the place of something else; the last one is nested too deeply.
_DEEP = "deep"
_VALUES = (None, True, False, -1, 0, 1.5, 2**70, 1e400, float("nan"), "", "x", "../x", "\ud800")
_VALUES += ([], {}, [[]], [None], {"x": 1}, [1, 2], _DEEP)


def mutant(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns a file's bytes with one to four changes, or, of an archive, those of a member."""
    if content[:2] == b"PK" and rng.random() < 0.7:
        return _with_a_changed_member(content, rng)
    for _ in range(rng.integers(1, 5)):
        content = _changed(bytearray(content), rng)
    return content


def _changed(content, rng):
    """Makes one change."""
    if not content:
        return b"x"
    at = int(rng.integers(len(content)))
    length = int(min(2 ** rng.integers(0, 9), len(content)))
    part = bytes(content[at : at + length])
    kind = rng.integers(9)
    if kind == 0:
        content[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        content[at] = int(rng.choice([0, 1, 0x7F, 0x80, 0xFF]))
    elif kind == 2:
        size, order = int(rng.choice([2, 4, 8])), str(rng.choice(["little", "big"]))
        number = int(rng.choice(_NUMBERS)) % 2 ** (8 * size)
        content[at : at + size] = number.to_bytes(size, order)
    elif kind == 3:
        del content[at:]
    elif kind == 4:
        del content[at : at + length]
    elif kind == 5:
        content[at:at] = part
    elif kind == 6:
        to = int(rng.integers(len(content)))
        content[to : to + length] = part
    else:
        return _with_a_changed_word(bytes(content), rng)
    return bytes(content)


def _with_a_changed_word(content, rng):
    """Puts a word in the place of a number that is written as text."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content[: 2**20]))
    if not numbers:
        return _changed(bytearray(content), rng)
    number = numbers[rng.integers(len(numbers))]
    word = bytes(_WORDS[rng.integers(len(_WORDS))])
    return content[: number.start()] + word + content[number.end() :]


def _with_a_changed_member(content, rng):
    """Changes one member of a zip archive, so that its check sum is right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = list(members)[rng.integers(len(members))]
    if chosen.endswith(".json"):
        members[chosen] = mutant_of_json(members[chosen], rng)
    else:
        # What decides is the header, which is short.
        length = 128 if chosen.endswith(".npy") else 4096
        head = members[chosen][:length] if rng.random() < 0.7 else members[chosen]
        members[chosen] = _changed(bytearray(head), rng) + members[chosen][len(head) :]
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return written.getvalue()


def mutant_of_json(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns JSON, or lines of it, with a value changed, moved, put in or left out; or `mutant`.

    Some are no JSON any more.
    """
    if rng.random() < 0.3:
        return mutant(content, rng)
    lines = content.splitlines()
    try:
        json.loads(content)
    except ValueError:
        chosen = rng.integers(len(lines))
        lines[chosen] = _with_a_changed_value(lines[chosen], rng)
        return b"\n".join(lines) + b"\n"
    return _with_a_changed_value(content, rng)


def _with_a_changed_value(content, rng):
    """Changes one value of JSON."""
    whole = {"whole": json.loads(content)}
    places = list(_places(whole))
    holder, key = places[rng.integers(len(places))]
    other, other_key = places[rng.integers(len(places))]
    kind = rng.integers(6)
    if kind == 0 and holder is not whole:
        del holder[key]
    elif kind == 1:
        holder[key] = copy.deepcopy(other[other_key])
    elif kind == 2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(other[other_key]))
    elif kind == 3 and isinstance(holder, dict):
        holder["another"] = copy.deepcopy(other[other_key])
    else:
        holder[key] = _VALUES[rng.integers(len(_VALUES))]
    return json.dumps(whole["whole"]).replace(f'"{_DEEP}"', 100_000 * "[").encode()


def _places(holder):
    """Yields all places of values in lists and dicts, however deep: what holds it, and where."""
    for key in holder if isinstance(holder, dict) else range(len(holder)):
        yield holder, key
        if isinstance(holder[key], (dict, list)):
            yield from _places(holder[key])


def mutant_of_records(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns a TFRecord file with a record changed, whose check sums are right; or `mutant`."""
    if rng.random() < 0.3:
        return mutant(content, rng)
    import tensorflow as tf

    records, at = [], 0
    while at < len(content):
        (length,) = struct.unpack_from("<Q", content, at)
        records.append(content[at + 12 : at + 12 + length])
        at += length + 16
    chosen = rng.integers(len(records))
    head = records[chosen][: 2 ** int(rng.integers(5, 20))]
    records[chosen] = _changed(bytearray(head), rng) + records[chosen][len(head) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        with tf.io.TFRecordWriter(str(path)) as writer:
            for record in records:
                writer.write(record)
        return path.read_bytes()


def mutant_of_saved_model(content: bytes, rng: np.random.Generator) -> bytes:
    """Returns a `saved_model.pb` with a node changed, which can be parsed; or `mutant`."""
    if rng.random() < 0.2:
        return mutant(content, rng)
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    model = SavedModel.FromString(content)
    graph = model.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for part in graph.library.function for node in part.node_def)]
    node, other = (nodes[rng.integers(len(nodes))] for _ in range(2))
    constants = [one for one in nodes if one.op == "Const"]
    tensor = constants[rng.integers(len(constants))].attr["value"].tensor
    kind = rng.integers(5)
    if kind == 0:
        node.op = other.op
    elif kind == 1:
        del node.input[:]
    elif kind == 2:
        node.attr.pop(str(rng.choice(sorted(node.attr) or ["none"])), None)
    elif kind == 3:
        tensor.tensor_shape.dim.add().size = int(rng.choice(_NUMBERS))
    else:
        tensor.tensor_content = _changed(bytearray(tensor.tensor_content), rng)
    return model.SerializeToString()
