"""Each exported format in its own runtime, against the network in TensorFlow, and how it grows.

python benchmarks/exported_formats.py [--threads 1] [--quick] [--record]

From one photograph to parameters, landmarks, texture and mask. Formats that take batches get
batches too.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import tensorflow as tf
from faces import face_model, photographs, untrained_normaliser
from sizes import BASE, NETWORK_AXES, Size, sizes
from timing import Run

from keras_3dmmstn.export.artefact_run import RUNTIMES
from keras_3dmmstn.export.mobile.tflite import PRECISIONS, write_tflite
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.onnx import write_onnx
from keras_3dmmstn.export.photographs import rendered_photographs
from keras_3dmmstn.export.serving.saved_model import write_saved_model
from keras_3dmmstn.inference.normaliser import Normaliser

ONE = replace(BASE, batch=1)
AXES = {**NETWORK_AXES, "batch": (4, 16, 64)}


@dataclass(frozen=True)
class Format:
    """How a format is written and run.

    Attributes:
        runtime: what opens it, one of `RUNTIMES`.
        write: from a normaliser and a path.
        batches: whether it takes more than one image.
    """

    runtime: str
    write: Callable[[Normaliser, Path], object]
    batches: bool = False


def tflite(precision: str) -> Format:
    """Returns the format of a `.tflite` file."""

    def write(normaliser, path):
        size = normaliser.image_size
        seen = rendered_photographs(normaliser.grid_model, size) if precision == "integer" else ()
        write_tflite(normaliser, path, precision, seen)

    return Format("tflite", write)


def of_network(write: Callable) -> Callable[[Normaliser, Path], object]:
    """Returns what writes a normaliser, from what writes a network."""
    return lambda normaliser, path: write(trained_network(normaliser), path)


#: A format is one line here.
FORMATS = {
    "SavedModel": Format("saved-model", of_network(write_saved_model), batches=True),
    "ONNX": Format("onnx", of_network(write_onnx), batches=True),
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
            path = folder / str(number)
            form.write(normaliser, path)
            opened = RUNTIMES[form.runtime](str(path), run.threads)
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
