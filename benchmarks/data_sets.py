"""Whole data sets on Ray: how many photographs a second with one and two workers, and the memory.

python benchmarks/data_sets.py [FOLDER] [--workers 1 2] [--count 1600] [--record]

Runs `normalise_data_set` on a table that names the photographs of a folder repeatedly, or
photographs of one face made from the bundled portrait. Rates are for the time in which all workers
are busy: from when a fifth of the shards is done until all but two per worker are. The memory is
that of the driver and of its largest worker (Linux), sampled every two seconds: the medians of the
second and of the last sixth of the samples, and twelve samples over time.

Ray's workers yield to other programs, with a niceness of 15; RAY_worker_niceness=0 in the
environment lets them compete on a machine that also does other work.
"""

import argparse
import csv
import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path

from folder import write_photographs
from machine import environment
from recording import add_record_option, results_file

from keras_3dmmstn.inference.data_sets import normalise_data_set
from keras_3dmmstn.inference.photograph import ENDINGS

_MADE, _SIDE = 100, 300
_SAMPLE_SECONDS = 2.0


class MemorySamples(threading.Thread):
    """Samples the memory of this process, and of Ray's workers among its descendants, in MB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.driver: list[float] = []
        self.workers: list[list[float]] = []
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.driver.append(resident_megabytes(os.getpid()))
            self.workers.append([resident_megabytes(process) for process in shard_workers()])

    def end(self) -> dict[str, list[float]]:
        """Stops, and returns the medians of the second and the last sixth of the samples."""
        self._ended.set()
        self.join()
        busy = [sorted(sample) for sample in self.workers if sample]
        largest = [sample[-1] for sample in busy]
        return {
            "driver_mb": _early_and_late(self.driver),
            "largest_worker_mb": _early_and_late(largest),
            "largest_worker_mb_over_time": _twelve(largest),
        }


def _early_and_late(samples):
    """Returns the medians of the second and of the last sixth of some samples."""
    sixth = max(1, len(samples) // 6)
    parts = samples[sixth : 2 * sixth], samples[-sixth:]
    return [round(statistics.median(part), 1) for part in parts if part]


def _twelve(samples):
    """Returns twelve samples, evenly spaced, or fewer."""
    step = max(1, len(samples) // 12)
    return [round(sample) for sample in samples[step - 1 :: step]]


def shard_workers() -> list[int]:
    """Returns the processes of the workers that normalise shards."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if b"ShardWorker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def resident_megabytes(process: int) -> float:
    """Returns the memory that a process has to itself or shares, 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds() -> float:
    """Returns the processor time that the workers have taken so far."""
    total = 0.0
    for process in shard_workers():
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def write_table(path: Path, folder: Path, count: int) -> int:
    """Writes a table of so many photographs, those of a folder again and again; returns theirs."""
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image"])
        writer.writerows([str(files[number % len(files)].absolute())] for number in range(count))
    return len(files)


def measured(table: Path, scratch: Path, workers: int, shard_size: int) -> dict:
    """Runs over a table, and returns what it took."""
    done: list[tuple[float, int, float]] = []
    out = scratch / f"out-{workers}"
    samples, start = MemorySamples(), time.perf_counter()
    samples.start()
    manifest = normalise_data_set(
        table,
        out,
        workers=workers,
        shard_size=shard_size,
        progress=lambda p: done.append(
            (time.perf_counter(), p.photographs_done, processor_seconds())
        ),
    )
    seconds, memory = time.perf_counter() - start, samples.end()
    (first, before, used), (last, after, used_at_last) = (
        done[len(done) // 5],
        done[-1 - 2 * workers],
    )
    photographs, processors = after - before, used_at_last - used
    return {
        "workers": workers,
        "photographs": manifest["photographs"],
        "faces": manifest["faces"],
        "failed": manifest["failed"],
        "without_face": manifest["without_face"],
        "seconds": round(seconds, 1),
        "photographs_per_second": round(photographs / (last - first), 2),
        "processor_ms_per_photograph": round(1e3 * processors / photographs, 1),
        "processors_in_use": round(processors / (last - first), 2),
        "load_after": round(os.getloadavg()[0], 1),
        "bytes_per_face": round(manifest["bytes"] / max(1, manifest["faces"])),
        **memory,
    }


def main():
    """Runs with each number of workers, and prints what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help="photographs; default: a portrait's")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--count", type=int, default=1600, help="photographs")
    parser.add_argument("--shard-size", type=int, default=20)
    add_record_option(parser)
    given = parser.parse_args()
    load, runs = os.getloadavg()[0], []
    with tempfile.TemporaryDirectory() as temporary:
        scratch, folder = Path(temporary), given.folder
        if folder is None:
            folder = scratch / "photographs"
            folder.mkdir()
            write_photographs(folder, _MADE, _SIDE)
        different = write_table(scratch / "table.csv", folder, given.count)
        for workers in given.workers:
            runs.append(measured(scratch / "table.csv", scratch / str(len(runs)), workers,
                                 given.shard_size))  # fmt: skip
            print(json.dumps(runs[-1]), flush=True)
    record = {
        "environment": environment(1, load),
        "different_photographs": different,
        "shard_size": given.shard_size,
        "runs": runs,
    }
    rates = [run["photographs_per_second"] for run in runs]
    print(f"the last run is {rates[-1] / rates[0]:.2f} times as fast as the first")
    if given.record:
        results_file("data_sets.json", True).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
