"""A program that runs an exported artefact with the artefact's own runtime and nothing else.

It is started by path in a fresh process, so that neither this package nor another runtime is
loaded, and so that the number of threads can be chosen.
"""

import json
import sys
import time

import numpy as np

_WARM_UP, _CALLS = 5, 30


def open_saved_model(path, threads):
    """Returns a function from images `(batch, size, size, 3)` to a dict of arrays."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    model = tf.saved_model.load(path)

    def run(images):
        outputs = model.signatures["serving_default"](image=tf.constant(images))
        return {name: values.numpy() for name, values in outputs.items()}

    return run


#: Format to the function that opens it.
RUNTIMES = {"saved-model": open_saved_model}


def latency(run, image):
    """Returns the median and the smallest time of a call in milliseconds."""
    for _ in range(_WARM_UP):
        run(image)
    times = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        run(image)
        times.append(1e3 * (time.perf_counter() - start))
    return {"median": float(np.median(times)), "smallest": min(times)}


def main(kind, artefact, threads, images, results):
    """Runs an artefact on the images of a .npy file; writes outputs as .npz and prints latency."""
    run = RUNTIMES[kind](artefact, int(threads))
    photographs = np.load(images)
    np.savez(results, **run(photographs))
    timed = latency(run, photographs[:1])
    print(json.dumps({"latency_ms": timed, "modules": sorted(_top_level_modules())}))


def _top_level_modules():
    return {name.split(".")[0] for name in sys.modules if not name.startswith("_")}


if __name__ == "__main__":
    main(*sys.argv[1:])
