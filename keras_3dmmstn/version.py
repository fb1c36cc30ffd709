"""The versions of the package and of those that its results depend on."""

from importlib import metadata

__version__ = "0.1.0"

# Packages and the names under which they can be installed.
_DISTRIBUTIONS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tf-nightly"),
    "keras": ("keras", "keras-nightly"),
    "numpy": ("numpy",),
    "opencv-python": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
}


def versions() -> dict[str, str]:
    """Returns the versions of this package and of those that its numbers depend on.

    Returns:
        Names of packages to versions, or "unknown" for a package that is not installed, such as one
        imported from its source. OpenCV is `opencv-python`, whichever of its packages is
        installed.
    """
    found = {name: _version(names) for name, names in _DISTRIBUTIONS.items()}
    return {"keras-3dmmstn": __version__, **found}


def _version(names):
    """Returns the version of the first installed distribution."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"
