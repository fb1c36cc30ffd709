"""What the geometry costs in a training step: everything after the localiser.

python benchmarks/training_step.py [--steps 30] [--record]
python benchmarks/training_step.py --localiser vgg-face --steps 2 --warm-up 1 [--record]

Three steps take turns on the same batch of 32 images of 224², with a grid of 112²: one of the whole
network with all four losses; one of its localiser alone, with a loss on its output; and one of a
network whose localiser is a single small matrix product, so that only the geometry is left. The
first minus the second is what the geometry adds to a step, the third what it takes alone. The steps
run as the recipes train on a CPU: TensorFlow's kernels for the convolutions, XLA for the losses on
textures and their gradient. The first and the third are also timed without XLA, and the first
without losses on textures, as in the recipe `compact`.

Peak memory is measured in fresh processes that do a few steps of one kind.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from machine import environment, set_threads
from recording import add_record_option, results_file
from step_parts import BATCH, IMAGE_SIZE, floor, localiser_step, network, whole_step

from keras_3dmmstn import GridModel

THREADS = 2
MEMORY_STEPS = 2  # after which a step takes no more


def take_turns(steps: dict[str, Callable], count: int, warm_up: int) -> dict[str, dict[str, float]]:
    """Does each step so many times, in turn.

    Returns:
        Milliseconds of each, and of processor time, all threads together.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for step in steps.values():
        for _ in range(warm_up):
            step()
    for _ in range(count):
        for name, step in steps.items():
            start, processor = time.perf_counter(), time.process_time()
            step()
            passed = time.perf_counter() - start, time.process_time() - processor
            times[name].append(passed)
    results = {}
    for name, values in times.items():
        wall, processor = 1000 * np.transpose(values)
        low, median, high = np.percentile(wall, [25, 50, 75])
        results[name] = {
            "median": round(float(median), 2),
            "minimum": round(float(wall.min()), 2),
            "spread": round(float(high - low), 2),
            "processor_median": round(float(np.median(processor)), 2),
            "processor_minimum": round(float(processor.min()), 2),
        }
    return results


def shares(results: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Returns the geometry's share of the whole step: by difference, and alone.

    The difference is the better one, as long as it is not small beside the spread of the steps.
    """
    whole, localiser = results["whole network"], results["localiser"]
    alone = results["geometry alone"]
    figures = [figure for figure in whole if figure != "spread"]
    return {
        "by difference": {f: round(1 - localiser[f] / whole[f], 3) for f in figures},
        "alone": {f: round(alone[f] / whole[f], 4) for f in figures},
    }


def peak_memory(localiser: str, part: str) -> float:
    """Returns the megabytes that a fresh process takes at most for a few steps."""
    program = [sys.executable, __file__, "--localiser", localiser, "--memory-of", part]
    run = subprocess.run(program, capture_output=True, text=True, check=True)
    return float(run.stdout.strip().splitlines()[-1])


def print_peak_memory(localiser: str, part: str) -> None:
    """Does a few steps of one part, and prints the peak memory of the process in megabytes."""
    model = network("none" if part == "geometry" else localiser)
    if part != "nothing":
        step = localiser_step(model) if part == "localiser" else whole_step(model)
        for _ in range(MEMORY_STEPS):
            step()
    # Not getrusage: a process inherits the peak of the one that started it.
    status = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    print(int(status.split()[0]) / 1024)


def print_results(record: dict) -> None:
    """Prints what was measured."""
    print(f"{'step':26}{'median':>9}{'minimum':>9}{'spread':>9} ms   processor: median, minimum")
    for name, row in record["results"].items():
        times = f"{row['median']:9.1f}{row['minimum']:9.1f}{row['spread']:9.1f}"
        print(f"{name:26}{times}   {row['processor_median']:17.1f}{row['processor_minimum']:9.1f}")
    for name in ("share_after_the_localiser", "floor", "peak_megabytes"):
        print(name.replace("_", " ") + ":", record[name])
    load = record["environment"]["load_before"]
    print(f"load before the measurement: {load:.1f} (0: nothing else ran)")


def measure(localiser: str, count: int, warm_up: int) -> dict:
    """Returns the times of all steps, and what they depend on."""
    load = os.getloadavg()[0]
    model = network(localiser)
    steps = {
        "whole network": whole_step(model),
        "localiser": localiser_step(model),
        "geometry alone": whole_step(network("none")),
        "whole network, no XLA": whole_step(model, xla=False),
        "geometry alone, no XLA": whole_step(network("none"), xla=False),
        "whole network, no textures": whole_step(model, textures=False),
    }
    results = take_turns(steps, count, warm_up)
    parts = ("nothing", "localiser", "geometry", "whole")
    return {
        "environment": environment(THREADS, load),
        "localiser": localiser,
        "batch": BATCH,
        "image": IMAGE_SIZE,
        "unit": "ms",
        "results": results,
        "share_after_the_localiser": shares(results),
        "floor": floor(GridModel.bundled()),
        "peak_megabytes": {part: round(peak_memory(localiser, part)) for part in parts},
    }


def main():
    """Measures, prints and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--localiser", choices=["compact", "vgg-face"], default="compact")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--memory-of", choices=["nothing", "localiser", "whole", "geometry"])
    add_record_option(parser)
    arguments = parser.parse_args()
    set_threads(THREADS)
    if arguments.memory_of:
        print_peak_memory(arguments.localiser, arguments.memory_of)
        return
    record = measure(arguments.localiser, arguments.steps, arguments.warm_up)
    print_results(record)
    name = f"training_step_{arguments.localiser.replace('-', '_')}.json"
    out = results_file(name, arguments.record)
    out.write_text(json.dumps(record, indent=1) + "\n")
    print(out)


if __name__ == "__main__":
    main()
