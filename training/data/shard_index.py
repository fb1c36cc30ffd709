"""The index of a folder of shards: its content, and how far its conversion is."""

import hashlib
import json
from pathlib import Path
from typing import Any

from keras_3dmmstn.atomic_files import remove_leftovers, write_atomically
from keras_3dmmstn.mesh.landmark_sets import LANDMARK_SET
from keras_3dmmstn.training.data.recorded_settings import refuse_other_settings
from keras_3dmmstn.training.data.skipped import Skipped

#: The file that describes the content of a folder of shards.
INDEX = "index.json"
#: Version of the format; others are refused.
VERSION = 1
#: Side in pixels of the largest crops that a folder may contain.
LARGEST_SIZE = 4096
# The largest ratio of a stored crop to what the network sees, and the fewest bytes of a record:
# those of its landmarks.
_LARGEST_SHARE, _LEAST_BYTES = 10, 1000
# Temporary files had this name, or `faces-NUMBER.part`, before version 0.1.0.
_OLD_INDEX = f"{INDEX}.part"


def is_shards(folder: str | Path) -> bool:
    """Returns whether a folder contains shards."""
    return (Path(folder) / INDEX).is_file()


def read_index(folder: Path) -> dict[str, Any]:
    """Reads the index of a folder of shards.

    Raises:
        ValueError: if it is missing, damaged, of another version or landmark set.
    """
    path = folder / INDEX
    try:
        index = json.loads(path.read_text("utf-8"))
        version, landmark_set = index["version"], index["settings"]["landmark_set"]
    except FileNotFoundError:
        raise ValueError(f"Expected {INDEX} of face crops in {folder}, found none.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the index of face crops: {error!r}.") from error
    except RecursionError:
        raise ValueError(f"{path}: expected the index of face crops.") from None
    if (version, landmark_set) != (VERSION, LANDMARK_SET):
        raise ValueError(
            f"{path}: expected version {VERSION} with landmarks {LANDMARK_SET}, "
            f"received version {version} with {landmark_set}."
        )
    fault = _fault(index)
    if fault:
        raise ValueError(f"{path}: expected the index of face crops: {fault}.")
    return index


def _fault(index):
    """Returns which part of an index differs from the form that `begun_index` writes, or None."""
    settings, shards, skipped = index["settings"], index.get("shards"), index.get("skipped", [])
    size, share, sources = (settings.get(name) for name in ("size", "share", "sources"))
    if not (
        _is_count(size, 1, LARGEST_SIZE)
        and isinstance(share, (int, float))
        and 1 <= share <= _LARGEST_SHARE
    ):
        return f"size {size!r} and share {share!r}"
    if not (isinstance(sources, dict) and all(map(_is_count, sources.values()))):
        return f"sources {sources!r}"
    if not isinstance(index.get("finished"), bool) or not _is_count(index.get("shard_count")):
        return "finished is no truth value, or shard_count no number"
    if not isinstance(shards, list) or not all(map(_is_shard, shards)) or not _are_skipped(skipped):
        return "shards with number, file, faces, bytes and skipped are not what they should be"
    return None


def _is_shard(shard):
    """Returns whether a shard of an index names a file in its folder and has all its entries."""
    if not isinstance(shard, dict) or not isinstance(shard.get("file"), str):
        return False
    plain = Path(shard["file"]).name == shard["file"] and "\\" not in shard["file"]
    counts = all(_is_count(shard.get(name)) for name in ("number", "faces", "bytes"))
    counts = counts and shard["faces"] * _LEAST_BYTES <= shard["bytes"]
    return plain and counts and _are_skipped(shard.get("skipped"))


def _are_skipped(entries):
    """Returns whether these are faces that were left out, each with its reason."""
    return isinstance(entries, list) and all(
        isinstance(entry, dict)
        and entry.keys() == {"name", "reason"}
        and all(isinstance(value, str) for value in entry.values())
        for entry in entries
    )


def _is_count(value, least=0, most=2**62):
    """Returns whether a JSON value is a whole number within a range."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_whole(folder: Path, shard: dict[str, Any]) -> bool:
    """Returns whether a shard of an index exists with the length that was written."""
    path = folder / shard["file"]
    return not shard["faces"] or (path.is_file() and path.stat().st_size == shard["bytes"])


def skipped_in(index: dict[str, Any]) -> list[Skipped]:
    """Returns what was left out according to an index: by the label reader, then by shard."""
    lists = [index.get("skipped", []), *(shard["skipped"] for shard in index["shards"])]
    return [Skipped(**skipped) for entries in lists for skipped in entries]


def begun_index(folder: Path, settings: dict[str, Any], shard_count: int) -> dict[str, Any]:
    """Returns the index of a conversion that was begun with the same settings, or a new one.

    Half-written files of a conversion that was killed are removed.

    Args:
        folder: the folder of shards; created if missing.
        settings: what the shards depend on, ready for JSON.
        shard_count: how many shards there will be.

    Raises:
        ValueError: if the folder contains anything else, or a conversion with other settings.
    """
    checksum = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
    if not is_shards(folder):
        folder.mkdir(parents=True, exist_ok=True)
        begun = ("faces-", _OLD_INDEX, ".")
        others = sorted(path.name for path in folder.iterdir() if not path.name.startswith(begun))
        if others:
            raise ValueError(
                f"{folder}: expected a new or empty folder for shards, received one with "
                f"{', '.join(others[:3])} in it."
            )
        _remove_unfinished(folder)
        return {
            "version": VERSION,
            "checksum": checksum,
            "settings": settings,
            "shard_count": shard_count,
            "finished": False,
            "shards": [],
        }
    index = read_index(folder)
    if index.get("checksum") != checksum:
        refuse_other_settings(folder, "conversion", index["settings"], settings)
        raise ValueError(f"{folder / INDEX}: expected the checksum of its settings, found another.")
    _remove_unfinished(folder)
    return {**index, "finished": False}


def write_index(folder: Path, index: dict[str, Any]) -> None:
    """Writes the index atomically."""
    write_atomically(folder / INDEX, (json.dumps(index, indent=1) + "\n").encode())


def _remove_unfinished(folder):
    """Removes half-written files of a conversion that was killed, of this or an earlier version."""
    remove_leftovers(folder)
    for path in [*folder.glob("faces-*.part"), folder / _OLD_INDEX]:
        path.unlink(missing_ok=True)
