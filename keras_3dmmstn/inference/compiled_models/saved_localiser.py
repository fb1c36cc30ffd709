"""A localiser that is read from its file only when it is needed."""

import io
import json
import logging
import threading
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from keras_3dmmstn.forked_process import check_process
from keras_3dmmstn.inference.compiled_models.kept_models import (
    MOST_BYTES,
    KeptModel,
    cache_folder,
    keep_model,
    read_model,
)
from keras_3dmmstn.inference.compiled_models.model_keys import model_key
from keras_3dmmstn.network.localiser_answers import answer_shapes
from keras_3dmmstn.outside_files import read_file

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Of several threads that need a localiser, only one reads it.
_READING = threading.RLock()


@dataclass(frozen=True)
class LocaliserFacts:
    """The facts needed to use a localiser: attributes that a `keras.Model` also has.

    Attributes:
        input_shape: of its images, with None for the batch.
        output_shape: of θ, or of its outputs by name.
        weights: the total number of its weights.
    """

    input_shape: tuple[int | None, ...]
    output_shape: Any
    weights: int

    @classmethod
    def of(cls, localiser: "keras.Model") -> Self:
        """Returns the facts of a localiser that was checked."""
        shapes = answer_shapes(localiser).named()
        output_shape = shapes if len(shapes) > 1 else shapes["parameters"]
        return cls(localiser.input_shape, output_shape, localiser.count_params())

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Self:
        """Returns the facts from JSON, in which `asdict`'s tuples are lists."""
        shapes = facts["output_shape"]
        output_shape = (
            {name: tuple(shape) for name, shape in shapes.items()}
            if isinstance(shapes, dict)
            else tuple(shapes)
        )
        return cls(tuple(facts["input_shape"]), output_shape, facts["weights"])


class SavedLocaliser:
    """A localiser in a file: in compiled form if that is cached; else Keras reads it at once.

    It may be used from several threads, pickled and copied.

    Args:
        path: a `localiser.keras`.

    Attributes:
        compiled: the content of a `.tflite` file; None if none was cached.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is damaged or not a localiser.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        content = _content(self._path)
        self._key = _key(content)
        kept = read_model(self._key) if self._key else None
        self.compiled = None if kept is None else kept.model
        self._facts = None if kept is None else LocaliserFacts.from_json(kept.facts)
        # The file may be gone by the time the localiser is needed.
        self._content: Any = content if kept else None
        self._model: Any = None if kept else _read(self._path)

    @property
    def description(self) -> "keras.Model | LocaliserFacts":
        """Gives the shapes of its inputs and outputs: the model itself, if Keras has read it."""
        return self._facts or self._model

    @property
    def weights_count(self) -> int:
        """The total number of its weights."""
        return self._facts.weights if self._facts else self._model.count_params()

    def model(self) -> "keras.Model":
        """Returns the localiser itself, always the same; Keras reads it at the first call.

        Raises:
            RuntimeError: as for `check_process`.
            ValueError: if it has layers that are not registered with Keras.
        """
        check_process()
        with _READING:
            if self._model is None:
                from keras_3dmmstn.network.pretrained import localiser_from

                self._model = localiser_from(self._content, self._path)
                self._content = None
                check_process()
            return self._model

    def keep(self, compiled: bytes) -> None:
        """Caches the compiled localiser, if its file alone determines what it computes.

        Args:
            compiled: the content of a `.tflite` file. The localiser has passed all checks.
        """
        content = _content(self._path)
        # The file that Keras has read is the one that the key was computed from.
        if content and _key(content) == self._key and _is_all_known(content):
            facts = asdict(LocaliserFacts.of(self._model))
            keep_model(self._key, KeptModel(compiled, facts))


def _content(path):
    """Returns the bytes of a file; None if its model would not be cached."""
    try:
        if cache_folder() is None or path.stat().st_size > MOST_BYTES:
            return None
        return read_file(path)
    except (OSError, ValueError):  # reading the localiser will report it
        return None


def _key(content):
    """Returns the key of the model compiled from a file's content; None for None."""
    return None if content is None else model_key("localiser", file=content)


def _read(path):
    """Reads the localiser from a file."""
    from keras_3dmmstn.network.pretrained import load_localiser

    return load_localiser(path)


def _is_all_known(content):
    """Returns whether a file has only layers of Keras and of this package: others may change."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        config = json.loads(archive.read("config.json"))
    modules = {module.split(".")[0] for module in _modules(config)}
    return modules <= {"keras", "keras_3dmmstn"}


def _modules(config):
    """Yields the modules that a configuration names, at any depth."""
    if isinstance(config, dict):
        if isinstance(config.get("module"), str):
            yield config["module"]
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _modules(part)
