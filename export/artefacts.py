"""All files of an export: written to a temporary place, compared, then moved together."""

import importlib.util
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.export import parity
from keras_3dmmstn.export.card import card_path, network_card, write_with_card
from keras_3dmmstn.export.half_moved import moving_all_or_none, recover
from keras_3dmmstn.export.mobile.tflite import PRECISIONS, tflite_card, tflite_model
from keras_3dmmstn.export.network import trained_network
from keras_3dmmstn.export.onnx import onnx_model
from keras_3dmmstn.export.serving.model_versions import next_version
from keras_3dmmstn.export.serving.saved_model import write_version
from keras_3dmmstn.inference.normaliser import Normaliser

logger = logging.getLogger(__name__)

#: The available formats.
FORMATS = ("saved-model", "tflite", "onnx")

#: Name of the files and of the SavedModel's folder, and therefore of the model on a server.
NAME = "keras_3dmmstn"

#: What has to be installed to write and run a format.
RUNTIMES = {"saved-model": (), "tflite": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnxruntime")}


@dataclass(frozen=True)
class Artefact:
    """One file or folder of an export.

    Attributes:
        kind: one of `FORMATS`.
        precision: one of `PRECISIONS`; "float32" for formats that have no other.
        path: where it belongs.
    """

    kind: str
    precision: str
    path: Path

    @property
    def paths(self) -> list[Path]:
        """The artefact and, if it is a file, the card beside it."""
        return [self.path] if self.kind == "saved-model" else [self.path, card_path(self.path)]

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"{self.kind} {self.precision}" if self.kind == "tflite" else self.kind

    @property
    def tolerance(self) -> parity.Tolerance:
        """How far it may differ from the network."""
        return parity.TOLERANCES[self.precision]


def planned_artefacts(
    folder: str | Path, formats: Sequence[str] = FORMATS, precisions: Sequence[str] = (*PRECISIONS,)
) -> list[Artefact]:
    """Returns the artefacts of an export in these formats.

    Args:
        folder: where all of them belong.
        formats: some of `FORMATS`.
        precisions: some of `PRECISIONS`, one file each; only for TensorFlow Lite.

    Raises:
        ValueError: if a format or a precision is unknown.
        FileExistsError: if the SavedModel's folder contains anything but versions.
    """
    folder = Path(folder)
    for received, known in ((formats, FORMATS), (precisions, PRECISIONS)):
        strange = [name for name in received if name not in known]
        if strange:
            raise ValueError(f"Expected some of {', '.join(known)}, received {strange[0]!r}.")
    paths = {
        ("saved-model", "float32"): next_version(folder / NAME),
        **{("tflite", p): folder / f"{NAME}-{p}.tflite" for p in precisions},
        ("onnx", "float32"): folder / f"{NAME}.onnx",
    }
    return [Artefact(*what, path) for what, path in paths.items() if what[0] in formats]


def export_artefacts(
    normaliser: Normaliser,
    artefacts: Sequence[Artefact],
    photographs: np.ndarray,
    landmarks: str = "ibug68",
    batch: int | None = 1,
    visibility: str | None = None,
    texture_size: int | None = None,
    overwrite: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> list[dict[str, Any]]:
    """Writes artefacts, runs each in a fresh process, and moves all into place if all agree.

    Args:
        normaliser: the trained localiser and its face model.
        artefacts: artefacts such as from `planned_artefacts`.
        photographs: `(n, size, size, 3)` float32, RGB in 0..255, for the comparison and the ranges
            of integers.
        landmarks: name of the landmark set, or several joined by "+", which are concatenated.
        batch: batch size of TensorFlow Lite files, 1 or None for any.
        visibility: how the mask is computed, as for `spatial_transformer`; as in the normaliser if
            None.
        texture_size: side of texture and mask in pixels, from 32 to 2,048, also sampled between the
            vertices; None for the face model's grid, whatever size the normaliser samples at.
        overwrite: whether existing files are replaced, once all new ones are written and compared.
            If the process is killed at that moment, some of the old files are lost.
        progress: called with a description of the next step.

    Returns:
        A report for each artefact: `path`, `format`, `precision`, `tolerance`, and what
        `check_parity` returns.

    Raises:
        FileExistsError: if something exists where an artefact belongs and `overwrite` is false.
        ImportError: if the packages that write or run a format are not installed.
        ValueError: if an option has an unknown value.
        ParityError: if one differs from the network by more than its precision allows.
        OSError: if one cannot be written. After any of these errors, no artefact is left.
    """
    _check_runtimes({artefact.kind for artefact in artefacts})
    folder = _folder_of(artefacts)
    recover(folder)
    reports = []
    with ExitStack() as stack, ExitStack() as moves:
        move = moves.enter_context
        places = [
            [move(atomic_destination(path, replace=overwrite)) for path in artefact.paths]
            for artefact in artefacts
        ]
        progress("Building the network")
        network = trained_network(normaliser, landmarks, visibility, texture_size)
        card = network_card(normaliser, landmarks, None, visibility, texture_size)
        for artefact, asides in zip(artefacts, places, strict=True):
            progress(f"Writing {artefact.title}")
            if artefact.kind == "tflite":
                options = (landmarks, batch, visibility, texture_size)
                content = tflite_model(normaliser, artefact.precision, photographs, *options)
                own_card = tflite_card(normaliser, content, artefact.precision, *options)
                write_with_card(content, own_card, *asides)
            elif artefact.kind == "onnx":
                write_with_card(onnx_model(network, card), card, *asides)
            else:
                write_version(network, asides[0], card)
            progress(f"Comparing {artefact.title} with the network")
            reports.append(_compared(artefact, asides[0], network, photographs))
        targets = [path for artefact in artefacts for path in artefact.paths]
        asides = [aside for place in places for aside in place]
        stack.enter_context(moving_all_or_none(folder, list(zip(asides, targets, strict=True))))
    return reports


def _folder_of(artefacts):
    """Returns the folder that contains the whole export."""
    folders = [a.path.parents[1 if a.kind == "saved-model" else 0] for a in artefacts]
    return Path(os.path.commonpath([folder.absolute() for folder in folders]))


def _compared(artefact, aside, network, photographs):
    """Returns the report on an artefact at its temporary place."""
    began = time.monotonic()
    try:
        report = parity.check_parity(artefact.kind, aside, network, photographs, artefact.tolerance)
    except parity.ParityError as error:
        raise parity.ParityError(f"{artefact.path}: {error}") from error
    about = artefact.title, len(photographs), time.monotonic() - began
    logger.info("%s: compared on %d photographs in %.1f s", *about)
    what = {"format": artefact.kind, "precision": artefact.precision}
    what["tolerance"] = asdict(artefact.tolerance)
    return {"path": str(artefact.path), **what, **report}


def _check_runtimes(kinds):
    """Raises an ImportError if a package that writes or runs one of these is not installed."""
    needed = [module for kind in sorted(kinds) for module in RUNTIMES[kind]]
    missing = [module for module in needed if importlib.util.find_spec(module) is None]
    if missing:
        raise ImportError(
            f'The export needs {", ".join(missing)}: pip install "keras-3dmmstn[export]".'
        )
