"""The processes that train one run together, joined by a TensorFlow strategy."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import tensorflow as tf

from keras_3dmmstn.training.cluster_place import Place, place_in_cluster

#: What TensorFlow raises in a process when another process of the cluster is gone.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
# Seconds that the chief, to which the others are connected, stays after all is done: they are still
# receiving what it has sent.
_GRACE = 1


class WorkersError(ConnectionError):
    """Raised in a process whose run has lost another of its processes."""


@dataclass(frozen=True)
class Workers:
    """The processes of a run, joined by a strategy; or a single process without one.

    Attributes:
        place: which of them this is.
        strategy: the strategy of several processes, else None.
    """

    place: Place
    strategy: Any  # tf.distribute.Strategy | None, whose parts are not typed

    def scope(self) -> AbstractContextManager[Any]:
        """Returns a context in which the variables of a network are the same in each process."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def distributed(self, batches: tf.data.Dataset) -> Any:
        """Returns this process's share of the batches in a form that `fit` takes unchanged."""
        if self.strategy is None:
            return batches
        return self.strategy.distribute_datasets_from_function(lambda _: batches)

    def from_chief(self, content: bytes) -> bytes:
        """Returns the chief's content in each process; all wait until it is there."""
        if self.strategy is None:
            return content
        own = np.frombuffer(content + b"\0" * (len(content) % 2), np.uint16)
        high, low = self._of_chief(np.array(divmod(len(content), 2**16)), 2).astype(int)
        size = int(high * 2**16 + low)
        return self._of_chief(own, -(-size // 2)).astype(np.uint16).tobytes()[:size]

    def _of_chief(self, numbers, count):
        """Returns the chief's whole numbers `(count,)` below 2¹⁶, which float32 represents exactly.

        They are summed, with zeros from the others, as every kind of device can compute a sum.
        """
        given = numbers if self.place.is_chief else np.zeros(count)
        return self._sum(tf.constant(given, tf.float32)).numpy()

    @cached_property
    def _sum(self):
        """A function that sums numbers `(n,)` over the processes; each must have the same count."""
        strategy = self.strategy

        def summed(own):
            # An operation of the replica itself: its device is where the sum is wanted.
            return tf.distribute.get_replica_context().all_reduce("SUM", own + 0)

        @partial(tf.function, autograph=False, input_signature=[tf.TensorSpec([None])])
        def over_all(values):
            return strategy.experimental_local_results(strategy.run(summed, (values,)))[0]

        return over_all


@contextmanager
def joined_workers(report: Callable[[str], None]) -> Iterator[Workers]:
    """Joins the processes of TF_CONFIG and waits for all of them; without it, only this one.

    TensorFlow must not have been used in this process before.

    Args:
        report: called with a line that says which process this is.

    Raises:
        ValueError: if TF_CONFIG is damaged, or a process has several GPUs.
        WorkersError: within, if another process ends before this one.
    """
    place = place_in_cluster()
    if place.count == 1:
        yield Workers(place, None)
        return
    role = "it writes the results" if place.is_chief else "the first one writes the results"
    report(f"worker {place.index + 1} of {place.count}: {role}; waits for the others")
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        devices = strategy.num_replicas_in_sync // place.count
        if devices > 1:
            raise ValueError(
                f"Expected one GPU for each worker, received {devices}: start a worker for each "
                "GPU, with CUDA_VISIBLE_DEVICES."
            )
        yield Workers(place, strategy)
        if place.is_chief:
            time.sleep(_GRACE)
    except _LOST as error:
        raise WorkersError(
            "Another worker of the run has ended or cannot be reached, so this one ends, too. "
            "Start the same commands again: the run continues after its last checkpoint."
        ) from error
