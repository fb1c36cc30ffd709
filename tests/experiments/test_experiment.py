"""Where experiments write, and what their page says of them."""

import importlib.util
import json
import re
import runpy
import sys
from types import ModuleType

import experiment
import pytest

from tests.support.paths import ROOT

#: The scripts that can be run.
SCRIPTS = {
    str(path.relative_to(ROOT)): path
    for folder in ("benchmarks", "experiments")
    for path in sorted((ROOT / folder).glob("*.py"))
    if "__main__" in path.read_text()
}


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """Other folders for results: those that are committed, and the scratch folder."""
    folders = tmp_path / "committed", tmp_path / "scratch"
    monkeypatch.setattr(experiment, "RECORDED", folders[0])
    monkeypatch.setattr(experiment, "UNRECORDED", folders[1])
    return folders


def test_committed_results_are_overwritten_only_on_demand(folders):
    committed, scratch = folders
    parser = experiment.experiment_parser("Title\n\nMore.")
    assert parser.description == "Title"
    unasked, asked = (parser.parse_args(words).record for words in ([], ["--record"]))
    assert experiment.results_file("x.json", unasked) == scratch / "x.json"
    assert not committed.exists()
    assert experiment.results_file("x.json", asked) == committed / "x.json"


def test_results_are_written_as_json(folders):
    path = experiment.results_file("x.json", record=False)
    experiment.write_results(path, {"error": 2.5})
    assert json.loads(path.read_text()) == {"error": 2.5}


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_script_imports_is_there(script, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS[script].parent)
    if importlib.util.find_spec("torch") is None:  # a peer that `make bench` alone installs
        monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    assert callable(runpy.run_path(str(SCRIPTS[script]))["main"])


@pytest.mark.parametrize("folder", ["benchmarks", "experiments"])
def test_the_page_of_a_folder_has_each_script_that_can_be_run(folder):
    text = (ROOT / folder / "README.md").read_text()
    listed = set(re.findall(rf"`python {folder}/(\w+)\.py", text))
    assert listed == {path.stem for path in SCRIPTS.values() if path.parent.name == folder}
