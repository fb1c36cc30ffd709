"""The folder of turned faces: its settings, and what a stopped run left there."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_3dmmstn.atomic_files import remove_leftovers, write_atomically
from keras_3dmmstn.folder_lock import LOCK_FILE
from keras_3dmmstn.training.data.readers.landmark_table import LANDMARK_TABLE
from keras_3dmmstn.training.data.recorded_settings import refuse_other_settings

#: The file that records what the turned faces were made from and how.
SETTINGS = "turned.json"
#: The folder of the pictures.
IMAGES = "images"
# What marked the folder of an unfinished run before version 0.1.0.
_OLD_MARK = f"{LANDMARK_TABLE}.part"
_PICTURE = re.compile(r"[0-9]{6,}\.jpg")


def begin_folder(folder: Path, settings: Mapping[str, Any]) -> None:
    """Prepares a folder for turned faces: a new one, or one of a run that was stopped.

    Pictures of the stopped run are removed: all are made again, and none may be left that is not in
    the table.

    Args:
        folder: an existing folder, locked by this process.
        settings: what the turned faces depend on, ready for JSON.

    Raises:
        ValueError: if the folder contains anything else, turned faces that are complete, or a run
            with other settings, which are named.
    """
    there = {path.name for path in folder.iterdir()} - {LOCK_FILE}
    begun = not there or bool(there & {SETTINGS, _OLD_MARK})
    if not begun or LANDMARK_TABLE in there:
        raise ValueError(
            f"{folder}: expected a new or empty folder for turned faces, received one with "
            f"{', '.join(sorted(there)[:3])} in it."
        )
    if SETTINGS in there:
        refuse_other_settings(folder, "run", _settings_of(folder / SETTINGS), settings)
    remove_leftovers(folder)
    images = folder / IMAGES
    images.mkdir(exist_ok=True)
    remove_leftovers(images)
    for path in images.iterdir():
        if _PICTURE.fullmatch(path.name):
            path.unlink()
    write_atomically(folder / SETTINGS, (json.dumps(dict(settings), indent=1) + "\n").encode())
    (folder / _OLD_MARK).unlink(missing_ok=True)


def _settings_of(path):
    """Reads the settings of a run."""
    try:
        settings = json.loads(path.read_text("utf-8"))
        if not isinstance(settings, dict):
            raise ValueError(f"received {type(settings).__name__}")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected the settings of turned faces: {error}.") from error
    return settings
