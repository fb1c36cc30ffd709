"""A program that runs an exported artefact with its own runtime and nothing else.

It is started by path in a fresh process, so that neither this package nor another runtime is
loaded, and the number of threads can be chosen.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable

import numpy as np

#: From images `(batch, size, size, 3)` to outputs by name.
Run = Callable[[np.ndarray], dict[str, np.ndarray]]

_WARM_UP, _CALLS = 5, 30


def open_saved_model(path: str, threads: int | None) -> Run:
    """Returns a function from images `(batch, size, size, 3)` to a dict of arrays.

    Without a number of threads, the runtime uses its default.
    """
    import tensorflow as tf

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    # Of a damaged fingerprint `load` prints a traceback, and goes on.
    with contextlib.suppress(FileNotFoundError):
        tf.saved_model.experimental.read_fingerprint(path)
    model = tf.saved_model.load(path)

    def run(images):
        outputs = model.signatures["serving_default"](image=tf.constant(images))
        return {name: values.numpy() for name, values in outputs.items()}

    return run


def open_tflite(path: str, threads: int | None) -> Run:
    """Does the same as `open_saved_model`; the file takes one image at a time, or any number."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(path, num_threads=threads)
    (given,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(given["index"], (1, *given["shape"][1:]))
    interpreter.allocate_tensors()
    results = {detail["name"]: detail["index"] for detail in interpreter.get_output_details()}

    def run_one(image):
        interpreter.set_tensor(given["index"], image)
        interpreter.invoke()
        return {name: interpreter.get_tensor(index) for name, index in results.items()}

    def run(images):
        answers = [run_one(image[None]) for image in images]
        return {name: np.concatenate([a[name] for a in answers]) for name in results}

    return run


def open_onnx(path: str, threads: int | None) -> Run:
    """Does the same as `open_saved_model`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def run(images):
        return dict(zip(names, session.run(names, {"image": images}), strict=True))

    return run


#: Format to the function that opens it.
RUNTIMES: dict[str, Callable[[str, int | None], Run]] = {
    "saved-model": open_saved_model,
    "tflite": open_tflite,
    "onnx": open_onnx,
}


def latency(run: Run, image: np.ndarray) -> dict[str, float]:
    """Returns the median and the smallest duration of a call in milliseconds."""
    for _ in range(_WARM_UP):
        run(image)
    times = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        run(image)
        times.append(1e3 * (time.perf_counter() - start))
    return {"median": float(np.median(times)), "smallest": min(times)}


def main(kind: str, artefact: str, threads: str, images: str, results: str) -> None:
    """Runs an artefact on the images of a .npy file; writes outputs as .npz and prints latency."""
    run = RUNTIMES[kind](artefact, int(threads))
    photographs = np.load(images)
    outputs = run(photographs)
    np.savez(results, allow_pickle=False, **outputs)
    timed = latency(run, photographs[:1])
    print(json.dumps({"latency_ms": timed, "modules": sorted(_top_level_modules())}))


def _top_level_modules():
    return {name.split(".")[0] for name in sys.modules if not name.startswith("_")}


if __name__ == "__main__":
    main(*sys.argv[1:])
