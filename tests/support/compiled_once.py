"""What tests compile again and again, compiled once.

Functions that are equal in graph and weights share a LiteRT model; each is still traced.
Normalisers whose face models and settings are equal share the geometry, which has no state.
"""

import dataclasses
import hashlib
import pickle
import re
from contextlib import contextmanager

import numpy as np
import pytest

# Where the text of a graph has the name of a node or a function, or the number of a gradient:
# Keras and TensorFlow count them through the process. Operators are elsewhere, at `op`.
_NAME = re.compile(r'(\b(?:name|input|value): "\^?|"CustomGradient-)([^":]+)')


@contextmanager
def shared_conversions():
    """Shares the models of `CompiledFunction` for a while."""
    from keras_3dmmstn.inference import compiled_function

    real, models = compiled_function.tflite_converter, {}

    class Converter:
        """What `CompiledFunction` asks of a converter."""

        def __init__(self, function, signature):
            self._converter = real(function, signature)
            self._funcs = self._converter._funcs  # so called by TensorFlow's, too

        def convert(self):
            (graph,) = self._funcs
            key = identity(graph)
            if key not in models:
                models[key] = self._converter.convert()
            return models[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_function, "tflite_converter", Converter)
        yield models


@contextmanager
def shared_geometry():
    """Shares the `FaceGeometry` of normalisers for a while; not those that a test makes itself.

    Nor those that are kept on disk, which are compiled once anyway.
    """
    import keras

    from keras_3dmmstn.inference import normaliser

    real, made = normaliser.FaceGeometry, {}

    def geometry(grid_model, *arguments, keep=False):
        if keep:
            return real(grid_model, *arguments, keep=True)
        # Not `asdict`, which copies.
        fields = [getattr(grid_model, field.name) for field in dataclasses.fields(grid_model)]
        config = keras.config
        settings = config.floatx(), config.image_data_format(), config.dtype_policy().name
        key = hashlib.sha256(pickle.dumps((fields, arguments, settings))).hexdigest()
        if key not in made:
            made[key] = real(grid_model, *arguments)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normaliser, "FaceGeometry", geometry)
        yield made


def identity(concrete_function):
    """Returns a digest of a graph, whatever its nodes are called, and of the values it captures."""
    names: dict[str, str] = {}

    def in_order(found):
        return found[1] + names.setdefault(found[2], str(len(names)))

    definition = str(concrete_function.graph.as_graph_def())
    text = _NAME.sub(in_order, definition)
    digest = hashlib.sha256(text.encode())
    variables = {id(variable.handle): variable for variable in concrete_function.graph.variables}
    for captured in concrete_function.captured_inputs:
        value = np.ascontiguousarray(variables.get(id(captured), captured).numpy())
        digest.update(f"{value.dtype} {value.shape}".encode())
        digest.update(value.tobytes())
    return digest.hexdigest()
