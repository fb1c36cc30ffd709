"""Workers on Ray: actors with one normaliser each, to which Ray Data gives shards one by one."""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keras_3dmmstn.inference.data_sets.job import Job
from keras_3dmmstn.inference.data_sets.places import place_of
from keras_3dmmstn.inference.data_sets.shard import ShardOutcome, normalise_shard, read_outcome
from keras_3dmmstn.inference.threads import processors

if TYPE_CHECKING:
    from keras_3dmmstn.inference.normaliser import Normaliser

# Each worker is one process on one processor.
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
# Only shard numbers go through Ray's memory.
_STORE_BYTES, _LARGEST_BLOCK = 200 * 2**20, 2**20
# Seconds within which a cluster must answer.
_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 40
_CONNECT = "import ray, sys; ray.init(address=sys.argv[1], logging_level='error')"


def check_ray(address: str | None = None) -> None:
    """Checks that Ray Data is installed, and that a cluster answers if one is requested.

    Args:
        address: as for `normalise_data_set`.

    Raises:
        ImportError: if Ray Data is missing; it says what to install.
        ValueError: if the address is invalid.
        ConnectionError: if no cluster answers there.
    """
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise ImportError(
            'The engine ray needs Ray Data: pip install "keras-3dmmstn[ray]".'
        ) from error
    address = _cluster(address)
    if address is not None:
        _check_answers(address)


def run_on_ray(
    job: Job, shards: Sequence[int], workers: int | None = None, address: str | None = None
) -> Generator[ShardOutcome, None, None]:
    """Yields the outcomes of shards, in the order in which they are completed.

    If a worker dies, it is restarted, and Ray gives it the shard again.

    Args:
        job: the work.
        shards: their numbers.
        workers: number of actors; None for one per processor.
        address: as for `normalise_data_set`.

    Raises:
        OSError: if a worker cannot read or write.
        ValueError: if a worker finds the weights or the plan damaged.
    """
    import ray
    import ray.data

    place = place_of(job.out)
    with _session(_cluster(address), workers):
        count = workers or int(ray.cluster_resources().get("CPU", 1))
        _keep_ray_data_quiet()
        numbers = ray.data.from_items(
            [{"shard": shard} for shard in shards], override_num_blocks=len(shards)
        )
        done = numbers.map_batches(
            ShardWorker,
            fn_constructor_args=(job,),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(
                size=min(count, len(shards)), max_tasks_in_flight_per_actor=2
            ),
            num_cpus=1,
        )
        for row in done.iter_rows():
            _raise_problem(row)
            yield read_outcome(place, int(row["shard"]))


class ShardWorker:
    """Normalises shards with one normaliser, which it loads for the first of them.

    Args:
        job: the work.
    """

    def __init__(self, job: Job):
        self._job = job
        self._normaliser: Normaliser | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Processes the shard of a batch of one; returns its number, and the error if any."""
        (shard,) = batch["shard"]
        number, kind, problem = 0, "", ""
        try:
            if self._normaliser is None:
                _use_one_thread()
                self._normaliser = self._job.normaliser()
            normalise_shard(self._job, int(shard), self._normaliser)
        except (OSError, ValueError, ImportError) as error:
            kind = next(k for k, known in _PROBLEMS.items() if isinstance(error, known))
            number = getattr(error, "errno", None) or 0
            problem = str(error)
            if isinstance(error, OSError) and number:
                problem = f"{error.filename or self._job.out}: {error.strerror}"
        return {"shard": [shard], "kind": [kind], "number": [number], "problem": [problem]}


_PROBLEMS: dict[str, type[Exception]] = {
    "value": ValueError,
    "import": ImportError,
    "system": OSError,
}


def _raise_problem(row):
    """Raises the error that a worker reported, if any."""
    if row["kind"] == "system" and row["number"]:
        file, _, reason = row["problem"].rpartition(": ")
        raise OSError(int(row["number"]), reason, file)
    if row["kind"]:
        raise _PROBLEMS[row["kind"]](row["problem"])


def _use_one_thread():
    """Makes OpenCV use one thread; the environment does it for the other libraries."""
    import cv2

    cv2.setNumThreads(1)


@contextmanager
def _session(cluster: str | None, workers: int | None) -> Iterator[None]:
    """Connects to a cluster or starts a local Ray, and ends that afterwards."""
    import ray

    if ray.is_initialized():  # the caller's own
        yield
        return
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    environment = {name: "1" for name in _THREADS} | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    options: dict[str, Any] = {"address": cluster}
    if cluster is None:
        options = {
            "address": "local",
            "num_cpus": workers or processors(),
            "num_gpus": 0,
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
        }
    handlers = _signal_handlers()
    try:
        ray.init(
            **options,
            runtime_env={"env_vars": environment},
            log_to_driver=False,
            logging_level="error",
        )
        _restore(handlers)
        _keep_ray_off_the_output()
        yield
    finally:
        ray.shutdown()
        _restore(handlers)


def _keep_ray_off_the_output():
    """Keeps Ray's messages on dead workers off the standard output; `log_to_driver` does not."""
    from ray._private import worker

    if hasattr(worker, "_worker_logs_enabled"):  # not part of Ray's API, so it may disappear
        worker._worker_logs_enabled = False


def _keep_ray_data_quiet():
    """Disables Ray's progress bars, and makes blocks small: the default reserves more memory."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = _LARGEST_BLOCK
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _signal_handlers():
    """Returns the handlers that Ray replaces by its own; only the main thread can set them."""
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _restore(handlers):
    with contextlib.suppress(ValueError):  # not the main thread
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _cluster(address: str | None) -> str | None:
    """Returns the address of the requested cluster; None for a local Ray."""
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    return None if address == "local" else address


def _check_answers(address: str) -> None:
    """Raises a ConnectionError unless a Ray cluster answers; Ray itself would wait for long."""
    if address == "auto":
        return  # Ray reports at once if it finds none
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address.startswith("ray://") or not host or not port.isdecimal():
        raise ValueError(
            f"Expected HOST:PORT of the head of a Ray cluster, or auto, received {address!r}."
        )
    refusal = f"Expected a Ray cluster at {address}, but none answers"
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(f"{refusal}: {error}.") from None
    # Something else may be listening there; Ray would wait minutes for its answer.
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _CONNECT, address],
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ConnectionError(f"{refusal} within {_ANSWER_SECONDS} s.") from None
    if "InvalidAuthToken" in tried.stderr:
        raise ConnectionError(
            f"Expected a Ray cluster at {address} that lets us in, but it asks for its token: set "
            "RAY_AUTH_MODE=token, and see Ray's pages on token authentication."
        )
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise ConnectionError(f"{refusal}: {reason}")
