"""Runs a notebook, and writes it with what it printed and drew.

python docs/_site/run_notebook.py examples/notebooks/1_photographs.ipynb build/notebooks
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]

#: The tag of cells that are not run: the package is here.
INSTALLS = "install"


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Returns a notebook with its outputs.

    Args:
        path: of the notebook, which stays as it is.
        folder: where it is run, and where what it writes stays.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    notebook.cells = [cell for cell in cells if INSTALLS not in cell.metadata.get("tags", [])]
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=_environment(folder))
    notebook.cells = cells
    return notebook


def _environment(folder):
    """Returns the variables of a kernel that has the package and the commands of this Python."""
    commands = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {
        "PATH": commands,
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(folder / ".ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }


def main(notebook: Path, out: Path) -> None:
    # A kernel that the user has installed under this name is another Python's.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    with TemporaryDirectory() as folder:
        done = run(notebook, Path(folder))
    out.mkdir(parents=True, exist_ok=True)
    nbformat.write(done, out / notebook.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
