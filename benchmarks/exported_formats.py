"""Each exported format in its own runtime, against the network in TensorFlow, and how it grows.

python benchmarks/exported_formats.py [--threads 1] [--quick]

One photograph to parameters, landmarks, texture and mask; formats that take several also get
batches.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from faces import face_model, photographs, untrained_normaliser
from sizes import BASE, NETWORK_AXES, Size, sizes
from timing import Run

from keras_3dmmstn.export.artefact_run import open_saved_model
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.parity import rendered_photographs
from keras_3dmmstn.export.saved_model import write_saved_model
from keras_3dmmstn.export.tflite import PRECISIONS, write_tflite
from keras_3dmmstn.normaliser import Normaliser

ONE = replace(BASE, batch=1)
AXES = {**NETWORK_AXES, "batch": (4, 16, 64)}


@dataclass(frozen=True)
class Format:
    """How a format is written and run.

    Attributes:
        write: from a normaliser and a path.
        open: from a path and a number of threads to a function of images.
        batches: whether it takes more than one image.
    """

    write: Callable[[Normaliser, Path], object]
    open: Callable[[Path, int], Callable]
    batches: bool = False


def open_tflite(path: Path, threads: int) -> Callable:
    """Returns a function from an image `(1, size, size, 3)` to the outputs of a `.tflite` file."""
    interpreter = Interpreter(str(path), num_threads=threads)
    interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]["index"]
    outputs = [output["index"] for output in interpreter.get_output_details()]

    def run(image):
        interpreter.set_tensor(given, image)
        interpreter.invoke()
        return [interpreter.get_tensor(output) for output in outputs]

    return run


def tflite(precision: str) -> Format:
    """Returns the format of a `.tflite` file."""

    def write(normaliser, path):
        size = normaliser.image_size
        seen = rendered_photographs(normaliser.grid_model, size) if precision == "integer" else ()
        write_tflite(normaliser, path, precision, seen)

    return Format(write, open_tflite)


def write_as_saved_model(normaliser: Normaliser, path: Path) -> None:
    """Writes the network of a normaliser as a SavedModel."""
    write_saved_model(trained_network(normaliser), path)


#: A format is one line here.
FORMATS = {
    "SavedModel": Format(write_as_saved_model, open_saved_model, batches=True),
    **{f"TFLite {precision}": tflite(precision) for precision in PRECISIONS},
}


def compare(run: Run, size: Size, folder: Path) -> None:
    """Times the formats that can be had at a size."""
    batch = photographs(size.batch, size.image)
    images = batch.numpy()
    normaliser = untrained_normaliser(face_model(size.grid, size.modes), size.image)
    network = tf.function(trained_network(normaliser))

    def in_tensorflow():
        return {name: values.numpy() for name, values in network(tf.constant(images)).items()}

    calls = {}
    for number, (name, form) in enumerate(FORMATS.items()):
        if size.batch == 1 or form.batches:
            path = folder / f"{number}.tflite"
            form.write(normaliser, path)
            opened = form.open(path, run.threads)
            calls[name] = lambda opened=opened: opened(images)
    run.compare(
        "exported formats",
        calls,
        {"tf.function": in_tensorflow},
        4 if size == ONE else 1,
        **size.of("batch", "grid", "image", "modes"),
    )


def main():
    """Times all formats at all sizes."""
    run = Run.from_command_line(__doc__, __file__, threads=1)
    for size in [ONE] if run.quick else sizes(ONE, AXES):
        with tempfile.TemporaryDirectory() as folder:
            compare(run, size, Path(folder))
    run.write()


if __name__ == "__main__":
    main()
