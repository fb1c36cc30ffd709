"""The npm packages of the page: fetching them with npm, and the files that the page loads."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

#: What the page loads: its path below `node_modules`, and its path in the site.
FILES: Mapping[str, str] = {
    "@litertjs/core/dist/index.js": "vendor/litert/core.js",
    "@litertjs/wasm-utils/dist/index.js": "vendor/litert/wasm_utils.js",
    **{
        f"@litertjs/core/wasm/litert_wasm{kind}_internal.{ending}": (
            f"vendor/litert/wasm/litert_wasm{kind}_internal.{ending}"
        )
        # With relaxed SIMD, without, and for WebGPU.
        for kind in ("", "_compat", "_jspi")
        for ending in ("js", "wasm")
    },
    "three/build/three.module.js": "vendor/three/three.module.js",
    "three/build/three.core.js": "vendor/three/three.core.js",
    "three/examples/jsm/controls/OrbitControls.js": "vendor/three/addons/controls/OrbitControls.js",
    "three/examples/jsm/exporters/GLTFExporter.js": "vendor/three/addons/exporters/GLTFExporter.js",
    "three/LICENSE": "vendor/three/LICENSE",
}

# How much of npm's own output is shown if it fails.
_LAST_LINES = 5
_LONGEST = 600.0


def find_npm() -> str:
    """Returns the path of npm, or raises an OSError if there is none."""
    npm = shutil.which("npm")
    if npm is None:
        raise OSError(
            "The page is made of npm packages, but there is no npm: install Node.js, or give "
            "--packages with a folder node_modules that holds them."
        )
    return npm


def fetch_packages(page: Path, folder: Path) -> Path:
    """Fetches the packages that `package-lock.json` names and returns their `node_modules`.

    Args:
        page: folder with `package.json` and `package-lock.json`.
        folder: the folder to fetch them to; it is created.

    Raises:
        OSError: if there is no npm, or it fails, for example without a network.
    """
    npm = find_npm()
    folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(page / name, folder)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        run = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=_LONGEST
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(f"npm did not fetch the page's packages in {_LONGEST:.0f} s.") from error
    if run.returncode:
        said = "\n".join((run.stderr or run.stdout).strip().splitlines()[:_LAST_LINES])
        raise OSError(
            "npm could not fetch the page's packages: it has to reach its registry once, or give "
            f"--packages with a folder node_modules that holds them. It said:\n{said}"
        )
    return folder / "node_modules"


def check_packages(page: Path, packages: Path) -> dict[str, str]:
    """Returns the versions of the page's packages after checking that all their files exist.

    Args:
        page: folder with `package.json`.
        packages: the folder `node_modules`.

    Raises:
        FileNotFoundError: if a package or a file of one is missing.
        ValueError: if a package has another version than the page was made for.
    """
    wanted = json.loads((page / "package.json").read_text("utf-8"))["dependencies"]
    for name, version in wanted.items():
        found = _version(packages / name / "package.json")
        if found != version:
            raise ValueError(f"{packages / name}: expected version {version}, received {found}.")
    for source in FILES:
        path = packages / source
        if not path.is_file():
            raise FileNotFoundError(f"Expected a file of the page's packages, there is no {path}.")
    return dict(wanted)


def copy_packages(page: Path, packages: Path, site: Path) -> dict[str, str]:
    """Copies the packages' files that the page loads into a site, and returns their versions.

    Args:
        page, packages: as for `check_packages`, which raises the same errors.
        site: the folder of the site.
    """
    versions = check_packages(page, packages)
    for source, target in FILES.items():
        (site / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(packages / source, site / target)
    return versions


def _version(path):
    """Returns the version that the `package.json` of a package names."""
    if not path.is_file():
        raise FileNotFoundError(f"Expected a package of the page, there is no {path}.")
    try:
        return json.loads(path.read_text("utf-8"))["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: expected the description of a package: {error!r}") from error
