"""Which process of a run this one is, by the environment variable TF_CONFIG."""

import json
import os
import re
from dataclasses import dataclass
from typing import Any

_ADDRESS = re.compile(r".+:\d{1,5}")


@dataclass(frozen=True)
class Place:
    """Which of the processes of a run this one is.

    Attributes:
        index: counted from 0; process 0 is the chief, the only one that writes.
        count: how many processes there are.
    """

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's folder."""
        return self.index == 0


def place_in_cluster() -> Place:
    """Reads from TF_CONFIG which process of a run this one is; without it, it is the only one.

    Raises:
        ValueError: if TF_CONFIG is damaged, or has processes other than chief and workers.
    """
    text = os.environ.get("TF_CONFIG", "").strip()
    if not text:
        return Place()
    try:
        whole = json.loads(text)
    except ValueError as error:
        raise ValueError(_expected(text, f"it is no JSON: {error}")) from error
    cluster: Any = whole.get("cluster", {}) if isinstance(whole, dict) else None
    if cluster == {}:
        return Place()
    problem = _problem_of_cluster(cluster) or _problem_of_task(cluster, whole.get("task"))
    if problem:
        raise ValueError(_expected(text, problem))
    jobs = [job for job in ("chief", "worker") if job in cluster]
    everyone = [(job, index) for job in jobs for index in range(len(cluster[job]))]
    task = whole["task"]
    return Place(everyone.index((task["type"], int(task["index"]))), len(everyone))


def refuse_workers(what: str) -> None:
    """Raises a ValueError if TF_CONFIG names several processes, which `what` does not support."""
    count = place_in_cluster().count
    if count > 1:
        raise ValueError(
            f"{what} works in one process, but TF_CONFIG names {count} workers. Run it once, "
            "without TF_CONFIG."
        )


def _problem_of_cluster(cluster: Any) -> str | None:
    """Returns what is wrong with the addresses in TF_CONFIG, or None."""
    if not isinstance(cluster, dict):
        return "there is no cluster in it"
    unknown = sorted(set(cluster) - {"chief", "worker"})
    if unknown:
        return f"a run has a chief and workers, no {unknown[0]!r}"
    for job, addresses in cluster.items():
        right = isinstance(addresses, list) and all(
            isinstance(address, str) and _ADDRESS.fullmatch(address) for address in addresses
        )
        if not right or not addresses:
            return f"{job} is no list of addresses host:port"
    if len(cluster.get("chief", ())) > 1:
        return "there is more than one chief"
    return None


def _problem_of_task(cluster: dict[str, list[str]], task: Any) -> str | None:
    """Returns what is wrong with the place of this process in TF_CONFIG, or None."""
    if not isinstance(task, dict) or task.get("type") not in tuple(cluster):
        return f"task has no type, or one that is not in the cluster: {task!r}"
    index, count = str(task.get("index")), len(cluster[task["type"]])
    if not index.isdecimal() or int(index) >= count:
        return f"task has no index from 0 to {count - 1}: {task!r}"
    return None


def _expected(text, problem):
    return (
        'TF_CONFIG: expected {"cluster": {"worker": ["host:port", ...]}, "task": {"type": '
        f'"worker", "index": 0}}}}, but {problem}. Received: {text[:200]!r}.'
    )
