"""What every layer of the package promises, checked in one call."""

import json
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf


def assert_keeps_layer_contract(layer, *inputs, output_shape, folder):
    """Checks one layer on example `inputs`, whose first axis is the batch.

    Args:
        layer: a layer that has not been called yet.
        inputs: arrays of at least two examples, all of one batch size.
        output_shape: the shape that the layer makes of them, or a tuple of shapes.
        folder: a directory for the saved model.
    """
    inputs = [np.asarray(x, "float32") for x in inputs]
    outputs = _arrays(layer(*inputs))
    shapes = output_shape if isinstance(output_shape[0], tuple) else (output_shape,)
    assert tuple(output.shape for output in outputs) == shapes
    assert all(output.dtype == np.float32 for output in outputs)

    _assert_batch_is_free(layer, inputs, outputs)
    _assert_equal(_arrays(_twin(layer)(*inputs)), outputs, "after a round trip of the config")
    _assert_compiles(layer, inputs, outputs)
    _assert_survives_saving(layer, inputs, outputs, folder / "model.keras")
    _assert_follows_dtype_policy(layer, inputs, outputs)


def _assert_batch_is_free(layer, inputs, outputs):
    symbols = [keras.Input(x.shape[1:]) for x in inputs]
    symbolic = [tuple(output.shape) for output in tf.nest.flatten(layer(*symbols))]
    assert symbolic == [(None, *output.shape[1:]) for output in outputs]
    computed = layer.compute_output_shape(*[symbol.shape for symbol in symbols])
    computed = computed if isinstance(computed[0], tuple) else (computed,)
    assert [tuple(shape) for shape in computed] == symbolic, "compute_output_shape"

    first = _arrays(layer(*[x[:1] for x in inputs]))
    # A batch of one may take another matrix product: eps 1.2e-7 times a few, relative.
    for one, all_ in zip(first, outputs, strict=True):
        np.testing.assert_allclose(one, all_[:1], rtol=1e-5, atol=1e-5, err_msg="a batch of one")


def _assert_compiles(layer, inputs, outputs):
    """XLA may reorder sums: eps 1.2e-7 times values of up to 100."""
    compiled = tf.function(layer.__call__, jit_compile=True)
    for output, expected in zip(_arrays(compiled(*inputs)), outputs, strict=True):
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-5, err_msg="under XLA")


def _assert_survives_saving(layer, inputs, outputs, path):
    symbols = [keras.Input(x.shape[1:], name=f"input_{i}") for i, x in enumerate(inputs)]
    keras.Model(symbols, layer(*symbols)).save(path)
    loaded = keras.models.load_model(path)
    _assert_equal(_arrays(loaded(inputs)), outputs, "after saving and loading")


def _assert_follows_dtype_policy(layer, inputs, outputs):
    with _dtype_policy("mixed_float16"):
        config = layer.get_config()
        del config["dtype"]
        for output in _arrays(_with_weights_of(layer, config)(*inputs)):
            assert output.dtype == np.float16, "the layer must follow the global policy"
            assert np.isfinite(output).all()
        precise = _with_weights_of(layer, {**config, "dtype": "float32"})
        _assert_equal(_arrays(precise(*inputs)), outputs, "as float32 under mixed_float16")


@contextmanager
def _dtype_policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _twin(layer):
    """Returns a layer with the same weights that came through JSON, as in a saved model."""
    serialized = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    twin = keras.saving.deserialize_keras_object(serialized)
    assert twin.get_config() == layer.get_config()
    return _copy_weights(layer, twin)


def _with_weights_of(layer, config):
    return _copy_weights(layer, layer.__class__.from_config(config))


def _copy_weights(layer, twin):
    if not twin.built:
        twin.build_from_config(layer.get_build_config())
    twin.set_weights(layer.get_weights())
    return twin


def _arrays(outputs):
    return [np.asarray(output) for output in tf.nest.flatten(outputs)]


def _assert_equal(outputs, expected, when):
    for output, value in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(output, value, err_msg=when)
