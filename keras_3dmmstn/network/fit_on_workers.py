"""Workarounds that `fit` needs under a `MultiWorkerMirroredStrategy`."""

from typing import Any

import tensorflow as tf

# Base class of a mixin for Keras models, opaque to type checkers.
_Nothing: Any = object


class FitOnWorkers(_Nothing):
    """A mixin for `keras.Model` that lets several processes train a model.

    At two places of its trainer, Keras 3.15 treats per-replica values as tensors, and `fit` ends
    with an error at each of them. Both overrides do nothing under other strategies, and
    `tests/training/test_workers.py` shows when Keras no longer needs them.

    Source:
        https://github.com/keras-team/keras/issues/20585, which Keras 3.15.1 has not resolved.
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Builds metrics from the shapes of this process's batches, not a mean over processes."""
        if iterator is not None and is_on_workers(self.distribute_strategy):
            data_batch = tf.nest.map_structure(
                lambda spec: tf.nest.flatten(spec, expand_composites=True)[0],  # of one replica
                iterator._get_iterator().element_spec,
            )
            iterator = None
        super()._maybe_symbolic_build(iterator=iterator, data_batch=data_batch)

    def _make_function(self, step_function):
        """Gives the scalar logs of a step the axis over which Keras takes their mean."""
        if not is_on_workers(self.distribute_strategy):
            return super()._make_function(step_function)

        def step(data):
            return {name: value[None] for name, value in step_function(data).items()}

        return super()._make_function(step)


def is_on_workers(strategy: tf.distribute.Strategy) -> bool:
    """Returns whether a strategy uses several processes."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
