"""A tiny run of training on several workers, as processes of this machine.

As a script, `workers.py FOLDER OUT [SETTINGS]`, one of them, or the only one; SETTINGS are changes
to those of `tiny_run`, as JSON. It prints a line for each step.
"""

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.support.paths import ROOT


def free_addresses(count):
    """Addresses of this machine that nobody listens at."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def clusters(count):
    """TF_CONFIG for each of some workers."""
    cluster = {"worker": free_addresses(count)}
    return [
        json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        for index in range(count)
    ]


def start(command, logs, count=2):
    """Starts a command of Python in each of some workers, with its output in `logs.0`, ..."""
    processes = []
    for index, cluster in enumerate(clusters(count)):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CONFIG": cluster}
        with Path(f"{logs}.{index}").open("w") as log:
            processes.append(
                subprocess.Popen(
                    [sys.executable, *map(str, command)],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                )
            )
    return processes


def main(folder, out, settings="{}"):
    from tests.support import tiny_run

    def step_progress(done):
        print(f"step {done.step} of epoch {done.epoch}", flush=True)

    tiny_run.run(Path(folder), out, step_progress=step_progress, **json.loads(settings))


if __name__ == "__main__":
    main(*sys.argv[1:])
