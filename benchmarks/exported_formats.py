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

from keras_3dmmstn.export.artefact_runtimes import RUNTIMES
from keras_3dmmstn.export.comparison_photographs import rendered_photographs
from keras_3dmmstn.export.mobile.tflite import PRECISIONS, export_tflite
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.onnx import export_onnx
from keras_3dmmstn.export.serving.saved_model import write_version
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
        export_tflite(normaliser, path, precision=precision, photographs=seen, visibility="normals")

    return Format("tflite", write)


def saved_model(normaliser: Normaliser, path: Path) -> None:
    """Writes one version of a SavedModel."""
    write_version(trained_network(normaliser, visibility="normals"), path)


def by_normals(export: Callable) -> Callable[[Normaliser, Path], object]:
    """Returns an exporter of networks that mask by normals, as the paper's does."""
    return lambda normaliser, path: export(normaliser, path, visibility="normals")


#: A format is one line here.
FORMATS = {
    "SavedModel": Format("saved-model", saved_model, batches=True),
    "ONNX": Format("onnx", by_normals(export_onnx), batches=True),
    **{f"TFLite {precision}": tflite(precision) for precision in PRECISIONS},
}


def compare(run: Run, size: Size, folder: Path) -> None:
    """Times the formats that can be had at a size."""
    batch = photographs(size.batch, size.image)
    images = batch.numpy()
    normaliser = untrained_normaliser(face_model(size.grid, size.modes), size.image)
    network = tf.function(trained_network(normaliser, visibility="normals"))

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
