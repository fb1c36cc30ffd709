"""`fit` of a plain Keras model on two workers, as a script: one of them.

It prints a line of JSON: for each of the two overrides of `FitOnWorkers`, and for both, what `fit`
raises without them, or what it logs.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn.network.fit_on_workers import FitOnWorkers


class BothOverrides(FitOnWorkers, keras.Sequential):
    pass


class WithoutBuild(BothOverrides):
    _maybe_symbolic_build = keras.Model._maybe_symbolic_build


class WithoutLogs(BothOverrides):
    _make_function = keras.Model._make_function


def outcome(kind, strategy, index):
    """The loss that `fit` logs, of labels 1 and 3 for a network that says 0; or its error."""
    with strategy.scope():
        model = kind([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
        model.compile("sgd", "mse", metrics=["mae"], jit_compile=False)
    labels = np.full((1, 1), 1.0 + 2 * index, np.float32)
    batches = tf.data.Dataset.from_tensors((labels, labels))
    try:
        logs = model.fit(
            strategy.distribute_datasets_from_function(lambda _: batches),
            steps_per_epoch=1,
            verbose=0,
        ).history
    except (TypeError, ValueError) as error:
        return type(error).__name__
    return float(logs["loss"][0])


def main():
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    index = strategy.cluster_resolver.task_id
    kinds = BothOverrides, WithoutBuild, WithoutLogs
    print(json.dumps({kind.__name__: outcome(kind, strategy, index) for kind in kinds}), flush=True)


if __name__ == "__main__":
    main()
