"""Keys of compiled models: checksums of everything that determines them."""

import functools
import hashlib
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.version import versions

# The folders whose code makes models and calls them.
_CODE = ("mesh", "ops", "layers", "network", "inference")


def model_key(kind: str, **determining: Any) -> str:
    """Returns the key of a compiled model, 64 hexadecimal digits.

    The versions of the libraries and the package's own code are always included.

    Args:
        kind: what the model computes.
        **determining: what else determines it: numbers, texts, bytes, arrays and dicts.
    """
    digest = hashlib.sha256(_environment())
    _add(digest, {"kind": kind, **determining})
    return digest.hexdigest()


@functools.cache
def _environment():
    """Returns the checksum of what all models depend on, without importing any of it."""
    digest = hashlib.sha256()
    _add(digest, {**versions(), "ai-edge-litert": _litert_version()})
    package = Path(__file__).parents[2]
    for folder in _CODE:
        for path in sorted((package / folder).rglob("*.py")):
            _add(digest, {path.relative_to(package).as_posix(): path.read_bytes()})
    return digest.digest()


def _litert_version():
    """Returns the version of LiteRT, or "unknown" where it is not installed as a package."""
    try:
        return metadata.version("ai-edge-litert")
    except metadata.PackageNotFoundError:
        return "unknown"


def _add(digest, value):
    """Adds a value to a checksum, with its type and size, so that different values differ."""
    if isinstance(value, dict):
        digest.update(f"dict {len(value)};".encode())
        for name, part in value.items():
            _add(digest, name)
            _add(digest, part)
    elif isinstance(value, np.ndarray):
        digest.update(f"array {value.dtype.str} {value.shape};".encode())
        digest.update(value.tobytes())
    else:
        content = value if isinstance(value, bytes) else repr(value).encode()
        digest.update(f"{type(value).__name__} {len(content)};".encode())
        digest.update(content)
