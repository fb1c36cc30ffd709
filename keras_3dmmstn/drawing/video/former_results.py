"""Finds out to which video the files in the place of a video's results belong."""

import json
import os
import re
from pathlib import Path

from keras_3dmmstn.atomic_files import remove_leftovers_of_the_dead

# File systems allow names of at most 255 bytes; the longest ending of a result has 24.
_LONGEST_NAME, _LONGEST_ENDING = 255, 24
_ENDINGS = (
    r"(?:\.json|\.csv|\.npz|_overlay\.(?:mp4|webm)"
    r"|_\d+(?:\.glb|_front\.png|_mask\.png|_texture\.(?:png|mp4|webm)))"
)


def former_files(folder: Path, name: str, source: str) -> set[str]:
    """Returns the names of the files of a video's former results; they may be replaced.

    Unfinished files that a killed command left are removed.

    Args:
        folder: the folder for the results.
        name: the beginning of their names.
        source: the video, as the JSON of its results names it.

    Raises:
        FileExistsError: if there is another file with the name of a possible result.
        ValueError: if the name is too long.
    """
    if len(os.fsencode(name)) + _LONGEST_ENDING > _LONGEST_NAME:
        raise ValueError(
            f"expected a name of at most {_LONGEST_NAME - _LONGEST_ENDING} bytes, to which the "
            f"results add theirs, received one of {len(os.fsencode(name))}."
        )
    is_result = re.compile(re.escape(name) + _ENDINGS, re.DOTALL).fullmatch
    try:
        present = sorted(filter(is_result, os.listdir(folder)))  # noqa: PTH208 - names alone
    except FileNotFoundError:
        return set()
    remove_leftovers_of_the_dead(folder, lambda target: bool(is_result(target)))
    owner, listed = _content(folder / f"{name}.json")
    own = {one for one in listed if is_result(one)} if owner == source else set()
    for other in present:
        if other not in own:
            of = "does not say of which video it is"
            if owner and owner != source and other in listed:
                of = f"is that of {owner}"
            raise FileExistsError(
                f"expected a result of this video at {folder / other}, or nothing, but what is "
                f"there {of}; move it away or choose another folder."
            )
    return own


def _content(description):
    """Returns the video that a JSON names, "" if it names none, and the files it lists."""
    try:
        content = json.loads(description.read_bytes())
        source, files = content["source"], content["files"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return "", []
    if not (isinstance(source, str) and isinstance(files, list)):
        return "", []
    return source, [name for name in files if isinstance(name, str)]
