"""The page and everything that it needs, in a folder that any file server can serve."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.export.web.npm_packages import (
    check_packages,
    copy_packages,
    fetch_packages,
    find_npm,
)
from keras_3dmmstn.export.web.search_network import search_network
from keras_3dmmstn.export.web.surface_file import surface_file
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.version import __version__

#: What describes a site; a folder with it is one of ours.
DESCRIPTION = "site.json"

_FORMAT = "keras_3dmmstn site"

_LICENCES = """\
What this page consists of, and under which licences:

the page, and the network's code       keras_3dmmstn, Apache-2.0
models/network.tflite, face_model.bin  the weights and the face model: ask who made the site
models/search.tflite, look.tflite      YuNet, 3-clause BSD, and BlazeFace, Apache-2.0: see below
vendor/litert                          LiteRT.js by Google, Apache-2.0
vendor/three                           three.js, MIT: see vendor/three/LICENSE
example.jpg                            NASA, in the public domain

"""


def write_site(
    folder: str | Path,
    network: bytes,
    card: dict[str, Any],
    grid_model: GridModel,
    focal_length: float | None = None,
    packages: str | Path | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> Path:
    """Writes the page for a network atomically.

    Args:
        folder: where the site belongs; an existing site is replaced.
        network: content of a `.tflite` file for one image.
        card: its card.
        grid_model: the face model that it was exported with.
        focal_length: focal length of its camera in sides of its input; None for orthographic.
        packages: a folder `node_modules` with the page's packages; None fetches them with npm.
        progress: called with a description of the next step.

    Returns:
        The folder.

    Raises:
        FileExistsError: if the folder contains anything but a site.
        FileNotFoundError: if `packages` lacks a package or part of one.
        ValueError: if the page cannot use this network, or a package has another version.
        OSError: if npm is missing or fails, or the site cannot be written. After any of these
            errors, the folder is unchanged.
    """
    folder = Path(folder)
    check_replaceable(folder)
    check_card(card)
    # Beside a link there may be another file system, or no right to write.
    target = folder.resolve() if folder.is_symlink() else folder
    with atomic_destination(target) as aside, resources.as_file(_page()) as page:
        aside.mkdir()
        with tempfile.TemporaryDirectory() as elsewhere:
            if packages is None:
                progress("Fetching the page's packages with npm")
                packages = fetch_packages(page, Path(elsewhere) / "packages")
            progress("Writing the site")
            versions = copy_packages(page, Path(packages), aside)
        _write_page(page, aside)
        about, surface = surface_file(grid_model, focal_length)
        sizes, search = search_network()
        _write_models(aside / "models", network, surface, search)
        description = {
            "format": _FORMAT,
            "version": __version__,
            "packages": versions,
            "network": card,
            "face_model": about,
            "search": sizes,
        }
        (aside / DESCRIPTION).write_text(json.dumps(description, indent=1) + "\n", "utf-8")
        _remove_site(target)
    return folder


def check_site(folder: Path, packages: Path | None) -> None:
    """Raises the errors of `write_site` that can be foreseen before the network exists."""
    check_replaceable(folder)
    if packages is None:
        find_npm()
    else:
        with resources.as_file(_page()) as page:
            check_packages(page, packages)


def check_replaceable(folder: Path) -> None:
    """Raises a FileExistsError unless a path contains a site or nothing."""
    if folder.is_dir() and (_is_site(folder) or not any(folder.iterdir())):
        return
    if folder.exists() or folder.is_symlink():
        raise FileExistsError(
            f"Expected a new or empty folder, or a site to replace, but {folder} is something "
            "else: give another --out."
        )


def check_card(card: dict[str, Any]) -> None:
    """Raises a ValueError if the page cannot use the network of a card."""
    outputs, shape = card["outputs"], card["input"]["shape"]
    landmarks = outputs.get("landmarks", {}).get("set")
    if card.get("format") != "keras_3dmmstn tflite" or shape[0] != 1:
        raise ValueError(
            "The page takes a TensorFlow Lite file for one image at a time, received "
            f"{card.get('format', 'another format')} with input of shape {shape}: export it with "
            "--to tflite and without --any-batch."
        )
    if landmarks != "ibug68":
        raise ValueError(
            f"The page frames faces by the landmarks ibug68, received a network with {landmarks}."
        )


def _page():
    """Returns the folder of the page's own files."""
    return resources.files("keras_3dmmstn.export.web") / "page"


def _is_site(folder):
    """Returns whether a folder is a site written by this package."""
    try:
        content = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        return content["format"] == _FORMAT
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _write_page(page, site):
    """Copies the page's own files and those from the package."""
    (site / "js").mkdir()
    for path in [
        *page.glob("*.html"),
        *page.glob("*.css"),
        *page.glob("*.svg"),
        *page.glob("js/*"),
    ]:
        shutil.copyfile(path, site / path.relative_to(page))
    assets = resources.files("keras_3dmmstn.assets")
    (site / "example.jpg").write_bytes((assets / "portrait.jpg").read_bytes())
    detector = (assets / "DETECTOR_CARD.md").read_text("utf-8")
    (site / "LICENSES.txt").write_text(_LICENCES + detector, "utf-8")


def _write_models(models, network, surface, search):
    """Writes the networks and the face model."""
    look = resources.files("keras_3dmmstn.assets") / "blazeface_short_range.tflite"
    models.mkdir()
    (models / "network.tflite").write_bytes(network)
    (models / "face_model.bin").write_bytes(surface)
    (models / "search.tflite").write_bytes(search)
    (models / "look.tflite").write_bytes(look.read_bytes())


def _remove_site(folder):
    """Removes the site to be replaced; it is first moved out of the way, which is one step."""
    if not folder.exists():
        return
    # By this name, the next process removes what is left of it if this one is killed.
    former = folder.with_name(f".{folder.name}.{os.getpid()}.tmp.former")
    folder.rename(former)
    shutil.rmtree(former, ignore_errors=True)
