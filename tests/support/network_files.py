"""Small valid files of networks, of what they are trained with, and videos, with their readers.

They take TensorFlow and seconds each, so that each is written when it is asked for.
"""

import json
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.mutation import (
    mutant,
    mutant_of_json,
    mutant_of_records,
    mutant_of_saved_model,
)
from tests.support.outside_file import OutsideFile


def _descriptor(name):
    """A file of a descriptor, whose network has one convolution."""

    def write(folder):
        import keras

        from keras_3dmmstn.recognition import FaceDescriptor

        keras.utils.set_random_seed(0)
        layers = [keras.layers.Conv2D(2, 5, strides=16), keras.layers.Flatten()]
        layers = [keras.Input((32, 32, 4)), *layers, keras.layers.Dense(3)]
        network = keras.Sequential(layers)
        network = keras.Model(network.inputs, network.outputs)
        FaceDescriptor(network, np.zeros(4), np.eye(4)[:, :2], 0.5).save(folder)

        def read():
            texture, mask = np.full((1, 32, 32, 3), 90, np.uint8), np.ones((1, 32, 32), bool)
            return _finite(FaceDescriptor.load(folder)(texture, mask, np.ones((1, 4))))

        return OutsideFile(folder / name, read)

    return write


def _weights(name):
    """A file of a folder of weights."""

    def write(folder):
        from keras_3dmmstn import Normaliser
        from tests.support.small_network import small_normaliser

        small = small_normaliser()
        small.localiser.save(folder / "localiser.keras")
        small.grid_model.save(folder / "face_model.npz")
        photograph = np.full((60, 70, 3), 90, np.uint8)

        def read():
            with _cache(""):
                normaliser = Normaliser.load(folder, visibility="normals")
            try:
                (face,) = normaliser(photograph, [[10, 10, 40, 45]])
            except ValueError as error:  # of weights that find no face; the file is long closed
                raise ValueError(f"{name}: {error}") from error
            return _finite(face.points)

        return OutsideFile(folder / name, read)

    return write


def _start(folder):
    """Weights that a training begins with."""
    import keras

    from keras_3dmmstn.mesh.synthetic import toy_grid_model
    from keras_3dmmstn.network.localiser import build_localiser
    from keras_3dmmstn.network.pretrained import load_weights
    from tests.support.small_network import SIZE, small_backbone

    keras.utils.set_random_seed(0)
    grid_model = toy_grid_model((16, 12))
    path = folder / "localiser.keras"
    build_localiser(small_backbone(), grid_model, SIZE).save(path)
    other = build_localiser(small_backbone(), grid_model, SIZE)

    def read():
        load_weights(other, path)
        return other

    return OutsideFile(path, read)


def _compiled(folder):
    """A compiled model that is kept: the right one, or none."""
    from keras_3dmmstn.inference.compiled_models.kept_models import (
        KeptModel,
        keep_model,
        read_model,
    )

    key = "ab" * 32
    facts = {"input_shape": [None, 48, 48, 3], "output_shape": [None, 9], "weights": 77}
    right = KeptModel(bytes(range(256)) * 20, facts)
    with _cache(folder):
        keep_model(key, right)

    def read():
        with _cache(folder):
            kept = read_model(key)
        if kept is None:
            raise ValueError(f"{key}.litert is made again")
        assert kept == right, "a damaged model is believed"
        return kept

    return OutsideFile(folder / f"{key}.litert", read)


def _checkpoint(folder):
    """The checkpoint of a run that is continued."""
    import keras

    from keras_3dmmstn.training.checkpoint import Progress, restore_checkpoint, save_checkpoint

    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dropout(0.5)])
    optimiser = keras.optimizers.SGD(0.1, momentum=0.9, use_ema=True)
    model.compile(optimiser, "mse")
    x = np.ones((2, 4), np.float32)
    model.train_on_batch(x, x[:, :3])
    save_checkpoint(folder, model, Progress(0, 1, {"loss": 0.5}))

    def read():
        before = [np.array(value) for value in model.get_weights()]
        try:
            return restore_checkpoint(folder, model, 5)
        except ValueError:
            now = model.get_weights()
            assert all(map(np.array_equal, before, now)), "half of a checkpoint is restored"
            raise

    return OutsideFile(folder / "checkpoint.npz", read)


def _shards(name):
    """A folder of face crops: its index, or its one shard."""

    def write(folder):
        from keras_3dmmstn.training.data.conversion import convert
        from keras_3dmmstn.training.data.shards import read_shards
        from tests.support.face_folders import spotted_faces

        convert(spotted_faces(folder / "photographs"), folder / "shards of index.json", 32)
        path = folder / "shards of index.json" / name
        if name == "index.json":
            return OutsideFile(path, lambda: read_shards(path.parent).load(), mutant_of_json)
        shards = read_shards(path.parent)

        def read():
            loaded = shards.load()
            return loaded, shards.labels()

        return OutsideFile(path, read, mutant_of_records)

    return write


def _normalised(kind):
    """A data set of one normalised photograph: its manifest, or its shard in a format."""

    def write(folder):
        import tensorflow as tf

        from keras_3dmmstn.inference.data_sets import read_normalised
        from keras_3dmmstn.inference.data_sets.plan import PlannedPhotograph
        from keras_3dmmstn.inference.data_sets.rows import row_of
        from keras_3dmmstn.inference.data_sets.shard_files import ENDINGS, rows_written
        from tests.support.data_sets import SHAPE, plain_face

        format_name = "tfrecord" if kind == "manifest" else kind
        path = folder / f"faces/000000{ENDINGS[format_name]}"
        path.parent.mkdir()
        photograph = PlannedPhotograph(0, "a.jpg", None)
        with rows_written(path, format_name) as add_row:
            for number in range(3):
                add_row(row_of(photograph, number, plain_face(number), "png"))
        shard = {"file": f"faces/{path.name}", "photographs": 1, "faces": 3, "without_faces": 0}
        counts = {"photographs": 1, "faces": 3, "failed": 0, "without_face": 0, "bytes": 9}
        manifest = {"format": 1, "finished": True, **counts, "texture_shape": [*SHAPE, 3]}
        manifest["settings"] = {"format": format_name, "textures": "png", "shard_size": 2}

        def write_manifest():
            shards = [{**shard, "bytes": path.stat().st_size}]
            (folder / "manifest.json").write_text(json.dumps(manifest | {"shards": shards}))

        def read():
            if kind != "manifest":
                write_manifest()  # the length says nothing
            try:
                return list(read_normalised(folder).as_numpy_iterator())
            except tf.errors.InvalidArgumentError as error:  # as it says
                raise ValueError(f"{'manifest.json ' * (kind == 'manifest')}{error}") from error

        write_manifest()
        if kind == "manifest":
            return OutsideFile(folder / "manifest.json", read, mutant_of_json)
        return OutsideFile(path, read, mutant_of_records if kind == "tfrecord" else mutant)

    return write


def _pairs(folder):
    """Pairs of photographs, which a script of experiments reads."""
    path = folder / "pairs.txt"
    path.write_text("1\t2\nAda\t1\t2\nAda\t2\tBob\t1\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "experiments")
        from recognition_folder import read_pairs
    people = [("Ada", 1), ("Ada", 2), ("Bob", 1)]
    return OutsideFile(path, lambda: read_pairs(path, people))


def _video(suffix):
    """Ten grey frames."""

    def write(folder):
        from keras_3dmmstn.inference.video.frames import VideoFile
        from tests.support.videos import numbered_frames, write_video

        path = folder / f"video.{suffix}"
        if suffix == "mp4":
            write_video(path, numbered_frames())
        else:
            code = cv2.VideoWriter.fourcc(*("MJPG" if suffix == "avi" else "VP80"))
            writer = cv2.VideoWriter(str(path), code, 25, (64, 64))
            for frame in numbered_frames():
                writer.write(frame)
            writer.release()
        return OutsideFile(path, lambda: [picture.mean() for _, picture in VideoFile(path)])

    return write


def _exported(kind):
    """An exported network, which is tried in a process of its own."""

    def write(folder):
        from keras_3dmmstn.export.exported_localiser import load_exported
        from keras_3dmmstn.export.mobile.tflite import export_tflite
        from keras_3dmmstn.export.onnx import export_onnx
        from keras_3dmmstn.export.serving.saved_model import export_saved_model
        from tests.support.small_network import SIZE, small_normaliser

        normaliser = small_normaliser()
        grid_model = normaliser.grid_model
        if kind == "tflite":
            path = file = export_tflite(normaliser, folder / "face.tflite", visibility="normals")
        elif kind == "onnx":
            path = file = export_onnx(normaliser, folder / "face.onnx", visibility="normals")
        else:
            # An error names the folder of the version.
            path = export_saved_model(
                normaliser, folder / f"model of {kind}".replace("/", " "), visibility="normals"
            )
            file = path / kind
        crops = np.full((1, SIZE, SIZE, 3), 90, np.uint8)

        def read():
            try:
                return _finite(load_exported(path, grid_model).fit(crops).parameters)
            except ValueError as error:
                named = f"{file.name}: " if str(path) in str(error) else ""
                raise ValueError(f"{named}{error}") from error

        return OutsideFile(file, read, mutant_of_saved_model if file.suffix == ".pb" else mutant)

    return write


def _finite(values):
    """Returns an answer that is one."""
    assert np.isfinite(values).all(), "the answer is not finite"
    return values


@contextmanager
def _cache(folder):
    """Makes a folder, or none, that of compiled models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_3DMMSTN_CACHE", str(folder))
        yield


#: Kind to what writes it into a folder, which exists.
NETWORK_FILES: dict[str, Callable[[Path], OutsideFile]] = {
    "kept model": _compiled,
    "checkpoint": _checkpoint,
    "descriptor.npz": _descriptor("descriptor.npz"),
    "descriptor.keras": _descriptor("descriptor.keras"),
    "localiser to start with": _start,
    "localiser": _weights("localiser.keras"),
    "face model": _weights("face_model.npz"),
    "crops, index": _shards("index.json"),
    "crops, TFRecord": _shards("faces-00000.tfrecord"),
    "faces, manifest": _normalised("manifest"),
    "faces, TFRecord": _normalised("tfrecord"),
    "faces, Parquet": _normalised("parquet"),
    "pairs": _pairs,
    "mp4": _video("mp4"),
    "avi": _video("avi"),
    "mkv": _video("mkv"),
    "exported tflite": _exported("tflite"),
    "exported onnx": _exported("onnx"),
    "SavedModel": _exported("saved_model.pb"),
    "variables of a SavedModel": _exported("variables/variables.index"),
}
