"""The folder of a run: what it was made with, and its log."""

import csv
import datetime
import io
import json
import platform
import shlex
import sys
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.atomic_files import remove_leftovers, write_atomically
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.config_file import config_differences, load_config, save_config
from keras_3dmmstn.version import versions


def begin_run(
    folder: Path, config: TrainingConfig, inputs: Mapping[str, Any], epochs_done: int = 0
) -> int:
    """Begins a run in a folder, or continues the one that is there.

    Writes `config.toml`, with every setting, and `run.json`: command line, versions, seed and the
    training data, with an entry for each start. Only the setting `epochs` may change.

    Args:
        folder: the folder of the run; created if missing.
        config: the numbers.
        inputs: the other inputs of the run: name to description.
        epochs_done: how many epochs of the folder's run are complete.

    Returns:
        How many epochs the folder's run was planned to have, or those of `config` for a new run.

    Raises:
        ValueError: if the folder's run has another config or other inputs (the differences are
            named), its record is missing or damaged, or `epochs` is below what is done.
    """
    epochs_before = config.epochs
    config_path, record_path = folder / "config.toml", folder / "run.json"
    record: dict[str, Any] = {"seed": config.seed, "inputs": dict(inputs), "starts": []}
    # The config is written last: if it exists, so does the record.
    if config_path.exists():
        record = _read_record(record_path)
        saved = load_config(config_path, warn=False)  # it is written again below
        epochs_before, before = saved.epochs, replace(saved, epochs=config.epochs)
        differences = config_differences(before, config)
        differences += _changes(record["inputs"], inputs)
        if differences:
            raise ValueError(
                f"{folder} holds a run with other settings or inputs: {'; '.join(differences)}. "
                "Use another folder, or restore them."
            )
        if config.epochs < epochs_done:
            raise ValueError(
                f"The run in {folder} has {epochs_done} complete epochs, received epochs = "
                f"{config.epochs}. Give {epochs_done} or more, or use another folder."
            )
        remove_leftovers(folder)
    record["starts"].append(_this_start(config.epochs))
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    # A path that is not UTF-8 contains surrogates, which JSON writes as escapes.
    write_atomically(record_path, text.encode(errors="backslashreplace"))
    save_config(config, config_path)
    return epochs_before


def describe_model(grid_model: GridModel, start: str | Path | None) -> dict[str, str]:
    """Describes the face model of a run and the localiser that it starts from."""
    model = f"{grid_model.name} {_checksum(grid_model.mean, grid_model.basis)}"
    begun = "nothing" if start is None else _checksum(Path(start).read_bytes())
    return {"face model": model, "start": begun}


def write_log(folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
    """Writes `log.csv`, with a row for each complete epoch, counted from 1."""
    names = list(dict.fromkeys(name for row in history for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, ["epoch", *names])
    writer.writeheader()
    for epoch, row in enumerate(history, start=1):
        writer.writerow({"epoch": epoch, **row})
    write_atomically(folder / "log.csv", text.getvalue().encode())


def _read_record(path):
    """Reads `run.json`."""
    if not path.exists():
        raise ValueError(
            f"{path.parent} has a config.toml but no {path.name}, so it is no complete run. "
            f"Restore {path.name}, or use another folder."
        )
    try:
        record = json.loads(path.read_text("utf-8"))
        inputs = record.pop("material", None)  # its name before version 0.1.0
        record["inputs"] = dict(record["inputs"] if inputs is None else inputs)
        record["starts"] = list(record["starts"])
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: expected the record of a run in JSON: {error!r}.") from error
    return record


def _changes(before, after):
    """Returns which inputs changed."""
    names = dict.fromkeys([*before, *after])
    return [
        f"{name}: {before.get(name)} → {after.get(name)}"
        for name in names
        if before.get(name) != after.get(name)
    ]


def _this_start(epochs):
    """Describes this process and the number of epochs at which it will end."""
    return {
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "epochs": epochs,
        "command": shlex.join(sys.argv),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
    }


def _checksum(*contents):
    """Returns a short checksum of arrays or bytes."""
    total = 0
    for content in contents:
        data = content if isinstance(content, bytes) else np.ascontiguousarray(content).tobytes()
        total = zlib.crc32(data, total)
    return f"{total:08x}"
