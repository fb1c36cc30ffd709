"""Where experiments write, and what their page says of them."""

import json
import re
from pathlib import Path

import experiment
import pytest

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("folder", ["benchmarks", "experiments"])
def test_the_page_of_a_folder_has_each_script_that_can_be_run(folder):
    text = (ROOT / folder / "README.md").read_text()
    listed = set(re.findall(rf"`python {folder}/(\w+)\.py", text))
    scripts = {path for path in (ROOT / folder).glob("*.py") if "__main__" in path.read_text()}
    assert listed == {path.stem for path in scripts}
