"""Presets: folders with a complete normaliser, by name, by path or on the Hugging Face Hub."""

import json
import re
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Self

from keras_3dmmstn.inference.camera import FILE as CAMERA_FILE
from keras_3dmmstn.network.weights_folder import FACE_MODEL_FILE, LOCALISER_FILE
from keras_3dmmstn.outside_files import read_file
from keras_3dmmstn.version import __version__

#: The files with the settings of the weights, and with their description.
CONFIG_FILE, CARD_FILE = "config.json", "README.md"

#: Names of the presets that come with the package, and the files with their cards.
BUNDLED = {"compact": "LOCALISER_CARD.md"}

_HUB = "hf://"
_FILES = (LOCALISER_FILE, FACE_MODEL_FILE, CAMERA_FILE, CONFIG_FILE, CARD_FILE)
_CLASS, _FORMAT = "keras_3dmmstn.Normaliser", 1

_FRONT_MATTER = """---
library_name: keras-3dmmstn
pipeline_tag: keypoint-detection
tags:
  - keras
  - tensorflow
  - 3dmm
  - face-alignment
---
"""
# YAML front matter, as the hub recognises it.
_HAS_FRONT_MATTER = re.compile(r"\s*---[ \t]*\r?\n.*?\r?\n---[ \t]*(\r?\n|$)", re.DOTALL)


@dataclass(frozen=True)
class PresetConfig:
    """The settings of a preset: arguments of `Normaliser`.

    Attributes:
        visibility, texture_size, fill, looks: as for `Normaliser`, which checks their values.
    """

    visibility: str = "depth"
    texture_size: int | None = None
    fill: str | None = None
    looks: int = 2

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads the `config.json` of a preset.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is damaged, or does not describe a normaliser.
        """
        path = folder / CONFIG_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"Expected a preset, a folder with {CONFIG_FILE}, but there is no {path}. A folder "
                "of weights without it, such as `train` writes, is read by Normaliser.load."
            )
        try:
            content = json.loads(read_file(path))
            made, number = content.pop("class"), content.pop("format")
            writer = content.pop("keras_3dmmstn", "unknown")
            if made != _CLASS or number != _FORMAT:
                raise ValueError(f"class {made!r} of format {number!r}, version {writer}")
            if unknown := content.keys() - {field.name for field in fields(cls)}:
                names = ", ".join(sorted(unknown))
                raise ValueError(f"version {writer} wrote {names}, which {__version__} lacks")
            return cls(**content)
        except (AttributeError, KeyError, TypeError, RecursionError, ValueError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)[:200]
            raise ValueError(
                f"{path}: expected the settings of a {_CLASS}, format {_FORMAT}: {reason}."
            ) from error

    def content(self) -> bytes:
        """Returns the content of `config.json`."""
        made = {"class": _CLASS, "format": _FORMAT, "keras_3dmmstn": __version__}
        return (json.dumps(made | asdict(self), indent=2) + "\n").encode()


def preset_folder(preset: str | Path) -> Path:
    """Returns the folder of a preset.

    Args:
        preset: the name of a bundled one, a path, or `hf://user/name` or
            `hf://user/name@revision`, which is downloaded into the cache of the Hugging Face Hub
            unless it is there.

    Raises:
        FileNotFoundError: if there is no such preset.
        ImportError: if the hub's package is missing.
        OSError: if it cannot be downloaded.
        ValueError: if the address is invalid.
    """
    text = str(preset)
    if text in BUNDLED:
        with resources.as_file(resources.files("keras_3dmmstn.assets")) as folder:
            return folder
    if text.startswith(_HUB):
        return _fetched(text)
    if not Path(preset).is_dir():
        raise FileNotFoundError(
            f"Expected a preset: {', '.join(BUNDLED)}, a folder or {_HUB}user/name, received "
            f"{text!r}."
        )
    return Path(preset)


def check_new_preset(path: str | Path) -> None:
    """Raises a ValueError if a preset written to `path` would not be read from there."""
    text = str(path)
    if text in BUNDLED or text.startswith(_HUB):
        raise ValueError(
            f"Expected the path of a folder, received {text!r}, which is the name of "
            + (
                "a preset of the package."
                if text in BUNDLED
                else "one on the hub: upload a folder."
            )
        )


def preset_card(preset: str | Path, folder: Path) -> str | None:
    """Returns the card of a preset from its folder, or None if it has none."""
    path = folder / BUNDLED.get(str(preset), CARD_FILE)
    return read_file(path).decode("utf-8-sig", "replace") if path.is_file() else None


def card_with_front_matter(card: str | None, facts: dict[str, Any]) -> str:
    """Returns a card that begins with YAML front matter for the hub.

    Args:
        card: a text in Markdown, unchanged if it has front matter; None to make one from `facts`.
        facts: the content of a generated card, by name.
    """
    if card is None:
        rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
        card = (
            "# A face normaliser\n\nWeights and face model of a 3D morphable model as a spatial "
            f"transformer network.\n\n| | |\n|---|---|\n{rows}\n"
        )
    return card if _HAS_FRONT_MATTER.match(card) else f"{_FRONT_MATTER}\n{card}"


def _fetched(address):
    """Returns the folder in the hub's cache with the files of a preset, downloaded if needed."""
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            'Presets from the Hugging Face Hub need: pip install "keras-3dmmstn[hub]".'
        ) from error
    name, at, revision = address.removeprefix(_HUB).partition("@")
    if name.count("/") != 1 or not all(name.split("/")) or (at and not revision):
        raise ValueError(f"Expected {_HUB}user/name or {_HUB}user/name@revision, not {address!r}.")
    try:
        folder = huggingface_hub.snapshot_download(
            name, revision=revision or None, allow_patterns=list(_FILES)
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().split("\n")[0][:300]
        raise OSError(f"{address}: the preset could not be fetched: {reason}") from error
    return Path(folder)
