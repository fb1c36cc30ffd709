"""The command on a folder of photographs: how many a second, and does its memory grow?

python benchmarks/folder.py [--count 1000] [--side 300] [--overlay] [--record]

Writes photographs of one face, made from the bundled portrait, to a new folder, and runs
`keras-3dmmstn normalise` on it in a separate process, as a user does: detector, network, files.
Times are with and without start-up; the latter is the difference to a folder with a tenth of them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from machine import environment
from photographs import portrait
from recording import add_record_option, results_file


def write_photographs(folder: Path, count: int, side: int) -> None:
    """Writes square JPEGs in which one face is turned, moved, scaled and lit differently."""
    image, rng = portrait(), np.random.default_rng(0)
    middle = (np.array(image.shape[1::-1]) - 1) / 2
    for number in range(count):
        angle, zoom = rng.uniform(-25, 25), side / image.shape[0] * rng.uniform(0.6, 1.1)
        matrix = cv2.getRotationMatrix2D(middle.tolist(), angle, zoom)
        matrix[:, 2] += (side - 1) / 2 - middle + rng.uniform(-0.08, 0.08, 2) * side
        picture = cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
        picture = cv2.convertScaleAbs(picture, alpha=rng.uniform(0.6, 1.2))
        cv2.imwrite(str(folder / f"{number:05d}.jpg"), picture[..., ::-1])


def normalised(count: int, side: int, overlay: bool) -> dict[str, float]:
    """Runs the command on so many photographs; returns what it took."""
    with tempfile.TemporaryDirectory() as scratch:
        photographs, out = Path(scratch, "photographs"), Path(scratch, "out")
        photographs.mkdir()
        write_photographs(photographs, count, side)
        command = [sys.executable, "-m", "keras_3dmmstn", "normalise", photographs, "--out", out]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [*command, "--overlay" if overlay else "--no-overlay"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        processor = sum(getattr(after, k) - getattr(before, k) for k in ("ru_utime", "ru_stime"))
        faces = len(list(out.glob("*.json")))
    return {
        "photographs": count,
        "faces": faces,
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "largest_memory_mb": round(after.ru_maxrss / 1024),
    }


def main():
    """Runs a tenth, then all, and prints what each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--side", type=int, default=300)
    parser.add_argument("--overlay", action="store_true")
    add_record_option(parser)
    given = parser.parse_args()
    few, many = (
        normalised(count, given.side, given.overlay) for count in (given.count // 10, given.count)
    )
    more = many["photographs"] - few["photographs"]
    record = {
        "environment": environment(0, 0),
        "side": given.side,
        "overlay": given.overlay,
        "few": few,
        "many": many,
        "photographs_per_second": round(many["photographs"] / many["seconds"], 1),
        "photographs_per_second_without_start_up": round(
            more / (many["seconds"] - few["seconds"]), 1
        ),
        "processor_ms_per_photograph": round(
            1e3 * (many["processor_seconds"] - few["processor_seconds"]) / more, 1
        ),
    }
    print(json.dumps({k: v for k, v in record.items() if k != "environment"}, indent=1))
    if given.record:
        results_file("folder.json", True).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
