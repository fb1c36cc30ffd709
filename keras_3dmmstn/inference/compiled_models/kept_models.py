"""The cache of compiled models: read if undamaged, written if possible, limited in size."""

import contextlib
import hashlib
import json
import logging
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from keras_3dmmstn.atomic_files import remove_leftovers_of_the_dead, write_atomically
from keras_3dmmstn.outside_files import read_file

logger = logging.getLogger(__name__)

#: The environment variable with the folder; empty for none.
CACHE = "KERAS_3DMMSTN_CACHE"

#: The folder's limits. The least recently used models are removed.
MOST_MODELS, MOST_BYTES = 20, 200_000_000

_NAME = re.compile(r"[0-9a-f]{64}\.litert")
# In nanoseconds. File times further in the future come from a clock that was wrong; those of two
# machines differ by less.
_DAY = 86_400 * 10**9
_CHECKSUM_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True)
class KeptModel:
    """A compiled model.

    Attributes:
        model: the content of a `.tflite` file.
        facts: further facts about it, as JSON values.
    """

    model: bytes
    facts: dict[str, Any] = field(default_factory=dict)


def cache_folder() -> Path | None:
    """Returns the folder of compiled models, which need not exist; None if there is no cache."""
    given = os.environ.get(CACHE)
    if given is not None:
        return _expanded(Path(given)) if given.strip() else None
    folder = Path(platformdirs.user_cache_dir("keras-3dmmstn", appauthor=False))
    # A user without a home has none.
    return folder if folder.is_absolute() else None


def read_model(key: str) -> KeptModel | None:
    """Returns the model stored under a key; None if there is none, or it is damaged.

    Args:
        key: from `model_key`.
    """
    folder = cache_folder()
    if folder is None:
        return None
    path = _path(folder, key)
    try:
        content = read_file(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        logger.info("a compiled model cannot be read: %s", error)
        return None
    checksum, body = content[:_CHECKSUM_SIZE], content[_CHECKSUM_SIZE:]
    if checksum != _checksum(key, body):
        logger.info("%s is damaged, and is made again", path)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used
    facts, _, model = body.partition(b"\n")
    return KeptModel(model, json.loads(facts))


def keep_model(key: str, kept: KeptModel) -> None:
    """Stores a model, replacing one with the same key; logs it if that is not possible.

    Args:
        key: from `model_key`.
        kept: the model.
    """
    folder = cache_folder()
    body = json.dumps(kept.facts).encode() + b"\n" + kept.model
    if folder is None or len(body) > MOST_BYTES:
        return
    try:
        write_atomically(_path(folder, key), _checksum(key, body) + body)
        _remove_least_used(folder)
    except OSError as error:  # also if somebody deletes the folder meanwhile
        logger.info("compiled models are not kept: %s", error)


def _expanded(path):
    """Returns a path with `~` replaced; an unknown user's `~name` stays, as in a shell."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _path(folder, key):
    """Returns the file for a key."""
    return folder / f"{key}.litert"


def _checksum(key, body):
    """Returns the checksum of a file's content, which also depends on its name."""
    return hashlib.sha256(key.encode() + body).digest()


def _remove_least_used(folder):
    """Removes the models beyond the limits, and what killed processes left behind."""
    remove_leftovers_of_the_dead(folder, lambda name: _NAME.fullmatch(name) is not None)
    found, latest = [], time.time_ns() + _DAY
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name):
            with contextlib.suppress(OSError):  # another process removed it
                status = path.stat()
                # A time in the future means nothing, and must not keep a model for ever.
                used = status.st_mtime_ns if status.st_mtime_ns <= latest else 0
                found.append((used, status.st_size, path))
    together = 0
    for number, (_, size, path) in enumerate(sorted(found, reverse=True)):
        together += size
        if number >= MOST_MODELS or together > MOST_BYTES:
            with contextlib.suppress(OSError):
                path.unlink()
