"""Training configs as TOML files: written with the meaning of each setting, checked when read."""

import json
import tomllib
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.outside_files import read_file
from keras_3dmmstn.training.config import (
    TrainingConfig,
    by_current_names,
    describe_settings,
    with_settings,
)
from keras_3dmmstn.training.recipes import recipe

# Maximum bytes of a TOML file, and dots in one of its lines: the memory for a name grows with the
# square of its parts.
_LARGEST, _DOTS = 100_000, 200


def save_config(config: TrainingConfig, path: str | Path) -> None:
    """Writes a config with all its settings; `load_config` reads back the same config."""
    meanings = describe_settings()
    lines = [
        f"# {meanings[name]}\n{name} = {_toml_value(value)}\n"
        for name, value in asdict(config).items()
    ]
    write_atomically(path, "\n".join(lines).encode())


def load_config(path: str | Path, *, warn: bool = True) -> TrainingConfig:
    """Reads a config: settings by name, and the recipe that gives all others.

    `recipe = "compact"` names the recipe that the file builds on; the default is the paper's.

    Args:
        path: the file.
        warn: whether one FutureWarning lists the former names of settings in the file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not TOML, or a setting is unknown, of another type or out of range.
    """
    content = read_toml(path, "settings")
    try:
        base = recipe(content.pop("recipe", "paper"))
        settings, former = by_current_names(content)
        config = with_settings(base, settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    if former and warn:
        names = ", ".join(f"{name} is {current}" for name, current in former.items())
        warnings.warn(
            f"{path} has former names of settings, which go in 0.2. Now {names}.",
            FutureWarning,
            stacklevel=2,
        )
    return config


def read_toml(path: str | Path, what: str) -> dict[str, Any]:
    """Reads a TOML file of at most 100 kB.

    Args:
        path: the file.
        what: what it should contain, for the error message.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is larger, not TOML, or has a line with more than 200 dots.
    """
    try:
        text = read_file(path, _LARGEST).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected a TOML file of {what}: {error}.") from error
    dots = max((line.count(".") for line in text.splitlines()), default=0)
    if dots > _DOTS:
        raise ValueError(
            f"{path}: expected a TOML file of {what}, received a line with {dots:,} dots."
        )
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: a number of very many digits, too
        raise ValueError(f"{path}: expected a TOML file of {what}: {error}.") from error


def parse_setting(text: str) -> tuple[str, Any]:
    """Reads `name=value` as written on a command line; a text needs no quotation marks.

    Raises:
        ValueError: if there is no equals sign.
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not (name and equals):
        raise ValueError(f"Expected a setting as name=value, received {text!r}.")
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return name, value


def config_differences(before: TrainingConfig, after: TrainingConfig) -> list[str]:
    """Returns the differences between two configs, as `name: before → after`.

    A file of weights that neither config reads does not count as a difference.
    """
    old, new = asdict(before), asdict(after)
    if "vgg_face" not in (before.backbone, after.backbone):
        old["pretrained"] = new["pretrained"]
    return [f"{name}: {old[name]} → {new[name]}" for name in old if old[name] != new[name]]


def _toml_value(value):
    """Returns a text, truth value or number in TOML, whose notation of these is JSON's."""
    return json.dumps(value, ensure_ascii=False)
