"""Links lead somewhere, the README stays short, and the index has every page."""

import re

import pytest

from keras_3dmmstn import layers
from tests.support.pages import OTHER_PAGES, PAGES, headings
from tests.support.paths import ROOT

ALL = PAGES | OTHER_PAGES


@pytest.mark.parametrize("page", ALL)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", ALL[page].read_text()):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (ALL[page].parent / file).resolve() if file else ALL[page]
        assert path.is_relative_to(ROOT) and path.exists(), target
        if anchor:
            assert anchor in headings(path), target


def test_the_readme_fits_on_a_few_screens():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 140


def test_the_index_has_every_page():
    text = (ROOT / "docs/README.md").read_text()
    missing = [page for page in PAGES if f"({page.removeprefix('docs/')})" not in text]
    assert missing == ["README.md", "docs/README.md"]
    assert "(../README.md)" in text


def test_the_table_of_layers_has_every_layer():
    text = (ROOT / "docs/layers.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(\w+\.py)` \|$", text, re.MULTILINE))
    assert set(rows) == {name for name in layers.__all__ if name[0].isupper()}
    for name, file in rows.items():
        assert f"class {name}(" in (ROOT / "keras_3dmmstn/layers" / file).read_text()


def test_pages_that_the_code_names_are_there():
    for folder in ("keras_3dmmstn", "training", "export", "benchmarks", "experiments", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            for page in re.findall(r"\bdocs/\w+\.md", path.read_text()):
                assert (ROOT / page).exists(), f"{path.relative_to(ROOT)}: {page}"


def test_scripts_and_targets_that_pages_name_are_there():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page, path in ALL.items():
        text = path.read_text()
        for script in re.findall(r"python (\w+/\S+\.py)", text):
            assert (ROOT / script).exists(), f"{page}: {script}"
        for target in re.findall(r"`?make ([a-z-]+)`|^make ([a-z-]+)", text, re.MULTILINE):
            assert "".join(target) in targets, f"{page}: make {''.join(target)}"
