"""Face crops stored as TFRecord shards: the content of a record and of a folder of shards."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from keras_3dmmstn.inference.jpeg_end import is_cut_off
from keras_3dmmstn.mesh.landmark_sets import LANDMARK_COUNT
from keras_3dmmstn.training.data.crops import FaceCrops
from keras_3dmmstn.training.data.labelled_faces import person_name
from keras_3dmmstn.training.data.shard_index import is_whole, read_index, skipped_in
from keras_3dmmstn.training.data.skipped import Skipped

#: The content of a record. The number is that of the face before any was skipped.
FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string, ""),
    "landmarks": tf.io.FixedLenFeature([LANDMARK_COUNT, 3], tf.float32, [0.0] * LANDMARK_COUNT * 3),
    "pose": tf.io.FixedLenFeature([3], tf.float32, [np.nan] * 3),
    "number": tf.io.FixedLenFeature([], tf.int64, 0),
    "name": tf.io.FixedLenFeature([], tf.string, ""),
    "subject": tf.io.FixedLenFeature([], tf.string, ""),
    "source": tf.io.FixedLenFeature([], tf.string, ""),
    "view": tf.io.FixedLenFeature([], tf.string, ""),
}
# What TensorFlow raises for a damaged record; its error may quote bytes that are not UTF-8.
_DAMAGE = (tf.errors.OpError, UnicodeDecodeError)

# Points lie within this many pixels of a crop, even points of the photograph outside the crop.
_LARGEST_COORDINATE = 1e8


@dataclass(frozen=True)
class Shards:
    """A folder of TFRecord shards with face crops, as `convert` writes it.

    Attributes:
        files: the shards.
        counts: how many faces each contains.
        size: side of the stored crops in pixels.
        crop_side: side of the square that the network will see, in pixels of the stored crop.
        planned: how many faces there were before any was skipped; records are numbered by these.
        sources: the data sets, and how many faces of each were planned.
        skipped: the faces that could not be cut out, and those whose labels could not be read.
    """

    files: tuple[Path, ...]
    counts: tuple[int, ...]
    size: int
    crop_side: float
    planned: int
    sources: dict[str, int]
    skipped: tuple[Skipped, ...] = ()

    def __len__(self):
        return sum(self.counts)

    def load(self, count: int | None = None) -> FaceCrops:
        """Reads all crops, or the first ones, into memory: 0.11 MB each at 192 pixels.

        Raises:
            ValueError: if a shard is damaged.
        """
        count = len(self) if count is None else min(count, len(self))
        images = np.empty((count, self.size, self.size, 3), np.uint8)
        landmarks = np.empty((count, LANDMARK_COUNT, 3), np.float32)
        numbers = np.empty(count, np.int64)
        people, views = [""] * count, [""] * count
        records = self.records().take(count)
        records = records.map(self.decoded, num_parallel_calls=tf.data.AUTOTUNE)
        place = -1
        with named_damage([self]):
            decoded_crops = records.prefetch(64).as_numpy_iterator()
            for place, (image, points, number, *about) in enumerate(decoded_crops):
                if image.shape != images.shape[1:]:
                    self.check()
                images[place], landmarks[place], numbers[place] = image, points, number
                source, subject, views[place] = (x.decode(errors="replace") for x in about)
                people[place] = person_name(source, subject)
        if place + 1 != count:
            self.check()
        about = self.skipped, tuple(people), tuple(views)
        return FaceCrops(images, landmarks, self.crop_side, numbers, *about)

    def labels(self) -> tuple[np.ndarray, np.ndarray, list[str]]:
        """Reads landmarks `(n, 89, 3)`, poses `(n, 3)` and subjects of all faces, without crops.

        Raises:
            ValueError: if a shard is damaged.
        """
        names = ("landmarks", "pose", "subject")
        features = {name: FEATURES[name] for name in names}
        parsed = self.records().map(lambda record: tf.io.parse_single_example(record, features))
        with named_damage([self]):
            faces = list(parsed.as_numpy_iterator())
        if len(faces) != len(self):
            self.check()
        landmarks, pose = (np.stack([face[name] for face in faces]) for name in names[:2])
        return landmarks, pose, [face["subject"].decode(errors="replace") for face in faces]

    def check(self) -> None:
        """Reads all records and decodes their pictures.

        Raises:
            ValueError: the first of the `faults`.
        """
        for fault in self.faults():
            raise ValueError(fault)

    def faults(self, progress: Callable[[Sequence[int]], Iterable[int]] = iter) -> Iterator[str]:
        """Reads all records, decodes their pictures, and yields what is wrong.

        Args:
            progress: called on the sequence of shards that is iterated over, to show progress.

        Yields:
            A sentence with shard and record, counted from 0, for each record whose picture, labels
            or number are invalid, or whose number occurs twice; and one for each shard that is
            damaged or does not match the index.
        """
        seen: dict[int, str] = {}
        for place in progress(range(len(self.files))):
            yield from self._faults_of_shard(self.files[place], self.counts[place], seen)

    def _faults_of_shard(self, file, count, seen):
        """Yields what is wrong with a shard; adds its numbers with their places to `seen`."""
        what, found = f"{file}: expected {count} face crops of {self.size} pixels", 0
        again = "delete the file and run the conversion again."
        records = tf.data.TFRecordDataset(str(file)).map(
            self._looked_at, num_parallel_calls=tf.data.AUTOTUNE
        )
        try:
            for name, number, fault in records.prefetch(64).as_numpy_iterator():
                text, place = fault.decode(), f"record {found} of {file.name}"
                if not text and seen.setdefault(int(number), place) != place:
                    text = f"the number {number}, which {seen[number]} has, too,"
                if text:
                    shown = name.decode(errors="replace")
                    yield f"{what}, received {text} in record {found} ({shown}): {again}"
                found += 1
        except tf.errors.NotFoundError:
            yield f"{what}, but there is no such file: run the conversion again."
        except _DAMAGE:
            yield f"{what}, received damaged records after {found}: {again}"
        else:
            if found != count:
                yield f"{what}, received {found}: delete {file.name} and run the conversion again."

    def _looked_at(self, record):
        """Returns the name and number of a record and what is wrong with it, "" if nothing."""
        parsed = tf.io.parse_single_example(record, FEATURES)
        values = [parsed[name] for name in ("image", "landmarks", "number")]
        fault = tf.numpy_function(self._fault, values, tf.string)
        return parsed["name"], parsed["number"], fault

    def _fault(self, data, landmarks, number):
        """Returns what is wrong with a record; b"" if nothing."""
        try:
            shape = checked_crop(data, landmarks, number, self.planned).shape
        except (ValueError, cv2.error) as error:
            return str(error).encode() or b"no picture"
        return b"" if shape == (self.size, self.size, 3) else f"one of shape {shape}".encode()

    def decoded(self, record: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Returns the content of a record tensor.

        Returns:
            Image `(size, size, 3)` uint8, landmarks `(L, 3)`, number, source, subject and view.
        """
        parsed = tf.io.parse_single_example(record, FEATURES)
        values = [parsed[name] for name in ("image", "landmarks", "number")]
        image = tf.numpy_function(partial(checked_crop, planned=self.planned), values, tf.uint8)
        about = (parsed[name] for name in ("landmarks", "number", "source", "subject", "view"))
        return image, *about

    def records(self) -> tf.data.Dataset:
        """Returns the serialised records in order."""
        return tf.data.TFRecordDataset([str(file) for file in self.files])


def read_shards(folder: str | Path) -> Shards:
    """Opens a folder of shards.

    Raises:
        ValueError: if it is not one, its conversion is not finished, or shards are missing.
    """
    folder = Path(folder)
    index = read_index(folder)
    shards = index["shards"]
    if not index["finished"]:
        raise ValueError(
            f"{folder}: expected a finished conversion, received one with {len(shards)} of "
            f"{index['shard_count']} shards: run it again, and it goes on."
        )
    settings = index["settings"]
    held = [shard for shard in shards if shard["faces"]]
    for shard in held:
        if not is_whole(folder, shard):
            raise ValueError(
                f"{folder / shard['file']}: expected a shard of {shard['bytes']} bytes, which is "
                "missing or damaged: run the conversion again."
            )
    return Shards(
        files=tuple(folder / shard["file"] for shard in held),
        counts=tuple(shard["faces"] for shard in held),
        size=settings["size"],
        crop_side=settings["size"] / settings["share"],
        planned=sum(settings["sources"].values()),
        sources=settings["sources"],
        skipped=tuple(skipped_in(index)),
    )


@contextmanager
def named_damage(sources: Iterable[FaceCrops | Shards]) -> Iterator[None]:
    """Names the damaged shard if reading records fails, which TensorFlow does not.

    Raises:
        ValueError: if a shard is missing, has the length that was written but wrong checksums, or
            contains anything but the face crops that the index lists.
    """
    try:
        yield
    except _DAMAGE as error:
        try:
            for source in sources:
                if isinstance(source, Shards):
                    source.check()
        except ValueError as damage:
            raise damage from error
        raise


def serialised(
    image: bytes,
    landmarks: np.ndarray,
    pose: np.ndarray,
    number: int,
    name: str,
    subject: str,
    source: str,
    view: str = "",
) -> bytes:
    """Returns one record with the features in `FEATURES`."""
    values: dict[str, list] = {
        "image": [image],
        "landmarks": landmarks.ravel().tolist(),
        "pose": pose.tolist(),
        "number": [number],
        "name": [name.encode()],
        "subject": [subject.encode()],
        "source": [source.encode()],
    }
    if view:
        values["view"] = [view.encode()]
    features = {}
    for key, value in values.items():
        if isinstance(value[0], bytes):
            features[key] = tf.train.Feature(bytes_list=tf.train.BytesList(value=value))
        elif isinstance(value[0], int):
            features[key] = tf.train.Feature(int64_list=tf.train.Int64List(value=value))
        else:
            features[key] = tf.train.Feature(float_list=tf.train.FloatList(value=value))
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return example.SerializeToString(deterministic=True)


def checked_crop(data: bytes, landmarks: np.ndarray, number: int, planned: int) -> np.ndarray:
    """Returns the `(size, size, 3)` uint8 RGB image of a record.

    Args:
        data: the encoded image.
        landmarks: `(L, 3)` landmarks of the record.
        number: number of the face.
        planned: how many faces there were before any was skipped.

    Raises:
        ValueError: if the image is not one or is cut off, or the number or landmarks are invalid;
            the message says what the record contains.
    """
    if not 0 <= number < planned:
        raise ValueError(f"the number {number} of {planned:,} faces")
    if not np.isfinite(landmarks).all():
        raise ValueError("landmarks that are not finite")
    if np.abs(landmarks).max() > _LARGEST_COORDINATE:
        raise ValueError(f"landmarks as far away as {np.abs(landmarks).max():.3g} pixels")
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) if data else None
    if image is None:
        raise ValueError("no picture")
    if is_cut_off(data, image, cv2.IMREAD_COLOR_RGB):
        raise ValueError("a picture that is cut off")
    return image
