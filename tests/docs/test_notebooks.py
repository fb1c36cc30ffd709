"""The notebooks: each runs to its end on a machine that has the package, and has no outputs."""

import importlib

import pytest

from tests.support.paths import ROOT

nbformat = pytest.importorskip("nbformat", reason="no notebooks: pip install nbformat")

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def ids(path):
    return path.stem


def test_there_are_five():
    assert len(NOTEBOOKS) == 5


@pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)
def test_a_notebook_is_clean_and_says_how_to_install(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    first, second = notebook.cells[:2]
    assert first.source.startswith("# ") and "hosted" in first.source
    assert second.source.startswith("%pip install") and second.metadata.tags == ["install"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None, cell.source
            if "!" not in cell.source and "%" not in cell.source[:1]:
                compile(cell.source, path.name, "exec")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=ids)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    pytest.importorskip("nbclient", reason="no notebooks: pip install nbclient ipykernel")
    pytest.importorskip("ipykernel", reason="no notebooks: pip install ipykernel")
    monkeypatch.syspath_prepend(str(ROOT / "docs/_site"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
    notebook = importlib.import_module("run_notebook").run(path, tmp_path)
    check(path.stem, notebook, tmp_path)


def check(name, notebook, folder):
    """What a reader of the notebook would look for in what it printed and wrote."""
    printed = "".join(
        output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    pictures = sum(
        "image/png" in output.get("data", {})
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    errors = "".join(
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stderr"
    )
    assert "DeprecationWarning" not in errors, errors
    if name.startswith("1"):
        assert (folder / "face.glb").read_bytes()[:4] == b"glTF" and pictures == 2
    elif name.startswith("2"):
        assert (folder / "run" / "localiser.keras").exists() and pictures == 1
        assert "epoch 2/2" in printed, printed
    elif name.startswith("3"):
        assert (folder / "my_face_model.npz").exists() and pictures == 1
        assert "'texture': (1, 32, 32, 3)" in printed
    elif name.startswith("4"):
        trained, of = printed.split(" weights of the localiser")[0].split()[-3::2]
        assert int(trained) > 0.9 * int(of) and pictures == 1
        assert "the face model is trained: False" in printed
    else:
        assert "'landmarks': (1, 68, 2)" in printed
        # A crop that is scaled by another program, and half precision.
        assert float(printed.split("differ by ")[1].split(" pixels")[0]) < 0.5
