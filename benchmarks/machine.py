"""The machine, the versions and the commit that were measured."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from recording import ROOT

from keras_3dmmstn.version import versions

#: Whose versions are recorded besides those of `versions`, where they are installed.
PACKAGES = ("scipy", "libigl", "torch", "ai-edge-litert", "onnxruntime")


def set_threads(threads: int) -> None:
    """Sets the threads of the libraries that are loaded; TensorFlow must not have begun yet."""
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.get_logger().setLevel("ERROR")  # the same function is traced for many sizes
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
    if cv2 := sys.modules.get("cv2"):
        cv2.setNumThreads(threads)


def environment(threads: int, load: float) -> dict[str, Any]:
    """Returns where and with what was measured.

    Args:
        threads: of the libraries.
        load: of the machine before the measurement, 0 if nothing else ran.
    """
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(
            _git("status", "--porcelain", "--", "*.py", "keras_3dmmstn/assets")
        ),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "threads": threads,
        "device": _device(),
        "load_before": round(load, 1),
        "python": platform.python_version(),
        "versions": _versions(),
    }


def _git(*arguments):
    """Returns what git says, or "unknown" outside a working tree."""
    run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return "unknown" if run.returncode else run.stdout.strip()


def _device():
    """Describes the processor, and the GPUs that TensorFlow sees."""
    tensorflow = sys.modules.get("tensorflow")
    gpus = tensorflow.config.list_physical_devices("GPU") if tensorflow else []
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "gpus": [gpu.name for gpu in gpus],
    }


def _processor():
    """Returns the processor's name."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions():
    """Returns the versions of what the package needs, and of the installed ones of `PACKAGES`."""
    found = versions()
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
