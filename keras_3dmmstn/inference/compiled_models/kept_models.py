"""The folder of compiled models: read if they are whole, written if that can be, never many."""

import contextlib
import hashlib
import json
import logging
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from keras_3dmmstn.atomic_files import remove_leftovers_of_the_dead, write_atomically
from keras_3dmmstn.outside_files import read_file

logger = logging.getLogger(__name__)

#: The environment variable with the folder; empty for none.
CACHE = "KERAS_3DMMSTN_CACHE"

#: What the folder holds at most. The models that were not used for longest go.
MOST_MODELS, MOST_BYTES = 20, 200_000_000

_NAME = re.compile(r"[0-9a-f]{64}\.litert")
_CHECKSUM_SIZE = hashlib.sha256().digest_size


@dataclass(frozen=True)
class KeptModel:
    """A compiled model.

    Attributes:
        model: the content of a `.tflite` file.
        facts: what else is to be known of it, as JSON has it.
    """

    model: bytes
    facts: dict[str, Any] = field(default_factory=dict)


def cache_folder() -> Path | None:
    """Returns the folder of compiled models, which need not exist; None if none are kept."""
    given = os.environ.get(CACHE)
    if given is not None:
        return Path(given).expanduser() if given.strip() else None
    folder = Path(platformdirs.user_cache_dir("keras-3dmmstn", appauthor=False))
    # A user without a home has none.
    return folder if folder.is_absolute() else None


def read_model(key: str) -> KeptModel | None:
    """Returns the model that was kept under a key; None if there is none, or it is damaged.

    Args:
        key: as of `model_key`.
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
    """Keeps a model, in place of one that has the same key; where that cannot be, it says so.

    Args:
        key: as of `model_key`.
        kept: the model.
    """
    folder = cache_folder()
    body = json.dumps(kept.facts).encode() + b"\n" + kept.model
    if folder is None or len(body) > MOST_BYTES:
        return
    try:
        write_atomically(_path(folder, key), _checksum(key, body) + body)
    except OSError as error:
        logger.info("compiled models are not kept: %s", error)
    else:
        _remove_least_used(folder)


def _path(folder, key):
    """Returns the file of a key."""
    return folder / f"{key}.litert"


def _checksum(key, body):
    """Returns the checksum of a file's content, which is another one under another name."""
    return hashlib.sha256(key.encode() + body).digest()


def _remove_least_used(folder):
    """Removes the models that are too many, and what processes that were killed left."""
    remove_leftovers_of_the_dead(folder, lambda name: _NAME.fullmatch(name) is not None)
    found = []
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name):
            with contextlib.suppress(OSError):  # another process removed it
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
    together = 0
    for number, (_, size, path) in enumerate(sorted(found, reverse=True)):
        together += size
        if number >= MOST_MODELS or together > MOST_BYTES:
            with contextlib.suppress(OSError):
                path.unlink()
