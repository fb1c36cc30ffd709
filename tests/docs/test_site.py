"""The site has every page, describes names that there are, and loads nothing from elsewhere."""

import ast
import importlib
import json
import re
import sys
from types import ModuleType, SimpleNamespace

import pytest

import keras_3dmmstn
from tests.support.pages import OTHER_PAGES, PAGES, described_names, python_blocks
from tests.support.paths import ROOT

SITE = ROOT / "docs/_site"
BUILT = ROOT / "build/site"


@pytest.fixture(scope="module")
def modules():
    """The modules of the site's folder that need nothing but Python, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SITE))
        names = ("check", "contents", "house_style")
        found = {name: importlib.import_module(name) for name in names}
        yield found
        for name in names:
            del sys.modules[name]


@pytest.fixture
def contents(modules):
    return modules["contents"]


def test_tabs_are_the_kinds_of_pages(contents):
    tabs = [title for tab in contents.navigation() for title in tab]
    assert tabs == [
        *("Start", "Tutorial", "How-to", "Explanations", "Reference", "Numbers", "Project")
    ]


def test_every_page_of_the_navigation_is_there(contents):
    pages = contents.pages(contents.navigation())
    assert pages[:2] == ["README.md", "docs/README.md"]
    for page in pages:
        assert (ROOT / page).is_file(), page


def test_every_page_is_in_the_navigation(contents):
    notebooks = {str(path.relative_to(ROOT)) for path in ROOT.glob("examples/notebooks/*.ipynb")}
    assert {*PAGES, *OTHER_PAGES, *notebooks} == set(contents.pages(contents.navigation()))


NOTEBOOK = "examples/notebooks/1_photographs.ipynb"


def test_a_notebook_becomes_a_page_to_read(contents):
    cells = json.loads((ROOT / NOTEBOOK).read_text())["cells"]
    page, pictures = contents.notebook_page(NOTEBOOK, cells)
    assert page.startswith(
        "# Normalise photographs\n\nThis page is the notebook "
        "[1_photographs.ipynb](1_photographs.ipynb), with its results.\n\nA photograph goes in"
    )
    assert "```python\nimport os\n" in page and pictures == {}
    assert contents.as_page(NOTEBOOK) == "examples/notebooks/1_photographs.md"
    assert contents.as_page("docs/video.md") == "docs/video.md"


def test_a_page_of_a_notebook_has_what_it_printed_and_drew(contents):
    progress = (
        "\x1b[2K\x1b[90m━━\x1b[0m 50 %\x1b[2K\x1b[1mdone\x1b[0m: 2 \r\n━━ 99 %\r\n\x1b[1A\x1b[2K"
    )
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": ["a remark of a library\n"]},
        {"output_type": "stream", "name": "stdout", "text": [progress]},
        {
            "output_type": "display_data",
            "data": {"image/png": "UE5H\n", "text/plain": ["<Figure>"]},
        },
        {"output_type": "execute_result", "data": {"text/plain": ["{1:\n", " 2}"]}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": ["run()"], "outputs": outputs},
    ]
    page, pictures = contents.notebook_page(NOTEBOOK, cells)
    assert pictures == {"1_photographs_0.png": b"PNG"}
    assert page.partition("results.\n\n")[2].split("\n\n") == [
        "```python\nrun()\n```",
        "``` { .text .output }\ndone: 2\n```",
        "![what the code above draws](1_photographs_0.png)",
        "``` { .text .output }\n{1:\n 2}\n```\n",
    ]


def test_every_file_has_a_place_of_its_own(contents):
    pages = contents.pages(contents.navigation())
    files = {*pages, *(file for page in pages for file in contents.linked_files(page))}
    places = [contents.place_in_site(file) for file in files]
    assert len(set(places)) == len(places) > len(pages)
    assert contents.place_in_site("docs/benchmarks.md") == "benchmarks/index.html"
    assert contents.place_in_site("docs/figures/uv.jpg") == "figures/uv.jpg"
    assert contents.place_in_site("LICENSE") == "LICENSE.txt"


def test_links_that_are_named_by_files_get_titles(contents):
    tabs = [{"How-to": [{"Videos": "docs/video.md"}]}]
    text = "[docs/video.md](docs/video.md#jitter), [this](docs/video.md), [a.md](a.md)"
    expected = "[Videos](docs/video.md#jitter), [this](docs/video.md), [a.md](a.md)"
    assert contents.with_titles(text, "README.md", tabs) == expected


def test_described_names_are_there():
    names = [name for page in PAGES.values() for name in described_names(page)]
    assert len(set(names)) == len(names) > 70
    for name in names:
        module, _, attribute = name.rpartition(".")
        value = getattr(importlib.import_module(module), attribute)
        assert value.__doc__, name
        # The site would describe the module in the place of the function.
        assert not (ROOT / name.replace(".", "/")).with_suffix(".py").exists(), name


def test_every_name_that_a_page_or_notebook_imports_is_described():
    described = {name for page in PAGES.values() for name in described_names(page)}
    texts = [block for page in PAGES.values() for block in python_blocks(page)]
    for notebook in ROOT.glob("examples/notebooks/*.ipynb"):
        cells = json.loads(notebook.read_text())["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        texts += [source for source in sources if source[0] not in "%!"]
    statements = [node for text in texts for node in ast.walk(ast.parse(text))]
    imports = [
        (node.module, alias.name)
        for node in statements
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("keras_3dmmstn")
        for alias in node.names
    ]
    assert len(imports) > 40
    for module, name in imports:
        value = getattr(importlib.import_module(module), name)
        paths = {f"{module}.{name}", f"{value.__module__}.{name}"}
        # Of the package itself and of its rooms, other tests say that all is described.
        assert paths & described or name in keras_3dmmstn.__all__, f"{module}.{name}"


ROOMS = (
    *("export", "inference.data_sets", "inference.detection", "layers", "losses", "mesh", "ops"),
    *("refinement", "reflection"),
)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_of_a_room_is_described(room):
    module = importlib.import_module(f"keras_3dmmstn.{room}")
    described = {name for page in PAGES.values() for name in described_names(page)}
    for name in module.__all__:
        # The second, if a module has the name of the function in it.
        path = f"{module.__name__}.{name}"
        assert {path, f"{path}.{name}"} & described, name


def test_every_public_name_of_the_package_is_described():
    described = {
        name.rpartition(".")[2] for page in PAGES.values() for name in described_names(page)
    }
    rooms = {"export", "layers", "losses", "mesh", "ops", "recognition", "refinement", "reflection"}
    rooms |= {"training"}
    assert set(keras_3dmmstn.__all__) - rooms - {"__version__"} <= described


def test_docstrings_become_markdown(modules):
    docstring = """Turns points.

Args:
    size: of 1.

Call arguments:
    points: `(batch, N, 3)` tensor,
        millimetres.
    first, second: others.

Attributes:
    width, height: as given.

Returns:
    Points,
    turned.

Example:

>>> turned(1)
2

Source:
    Bas et al. 2017,
    sec. 2.2.
"""
    expected = """Turns points.

Args:
    size: of 1.

**Call arguments:**

- **`points`** – `(batch, N, 3)` tensor, millimetres.
- **`first, second`** – others.

**Attributes:**

- **`width, height`** – as given.

**Returns:** Points,
turned.

**Example:**

```pycon
>>> turned(1)
2
```

**Source:** Bas et al. 2017,
sec. 2.2.
"""
    assert modules["house_style"].as_markdown(docstring) == expected
    indented = docstring.replace(">>> turned(1)\n2", "    >>> turned(1)\n    2")
    assert modules["house_style"].as_markdown(indented) == expected


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("KATEX", r"Expected KaTeX in .*nowhere: `make docs` fetches it"),
        ("NOTEBOOKS", r"Expected .*nowhere/1_photographs\.ipynb: `make docs` runs notebooks"),
    ],
)
def test_nothing_is_built_without_what_make_provides(missing, message, contents, monkeypatch):
    del contents  # whose module hooks.py imports
    for name in ("mkdocs", "mkdocs.exceptions", "mkdocs.structure", "mkdocs.structure.files"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["mkdocs.exceptions"].ConfigurationError = ValueError
    sys.modules["mkdocs.structure.files"].File = sys.modules["mkdocs.structure.files"].Files = list
    hooks = importlib.import_module("hooks")
    monkeypatch.delitem(sys.modules, "hooks")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(hooks, "KATEX", SITE)
    monkeypatch.setattr(hooks, missing, SITE / "nowhere")
    config = SimpleNamespace(nav=None, mdx_configs={"toc": {}})
    with pytest.raises(ValueError, match=message):
        hooks.on_config(config)


def test_nothing_of_the_site_comes_from_elsewhere():
    for path in (ROOT / "mkdocs.yml", *SITE.glob("*.css"), *SITE.glob("*.js*")):
        assert not re.search(r"https?://|//cdn", path.read_text()), path.name
    assert re.search(r"^  font: false", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)


@pytest.mark.skipif(not BUILT.is_dir(), reason="needs the site: make docs")
def test_the_built_site_is_whole(modules):
    assert modules["check"].problems(BUILT) == []


def test_the_check_finds_what_is_wrong(modules, tmp_path, capsys):
    check = modules["check"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b/index.html").write_text('<h2 id="here">x</h2><a href="../a.html#top">a</a>')
    page = tmp_path / "a.html"
    page.write_text('<p id="top"><a href="b/#here">b</a><a href="https://example.org">c</a>')
    assert check.main(tmp_path) == 0
    assert capsys.readouterr().out == "2 pages, 3 links, 0 problems\n"
    page.write_text(
        '<a href="b/#gone">1</a><a href="c/">2</a><img src="d.png">'
        '<script src="https://example.org/e.js"></script><link rel="stylesheet" href="//x.org/f">'
        '<link rel="canonical" href="https://example.org/a">'
    )
    (tmp_path / "g.css").write_text('@font-face { src: url("https://example.org/h.woff2") }')
    assert check.problems(tmp_path) == [
        "a.html: no anchor for b/#gone",
        "a.html: no file for c/",
        "a.html: no file for d.png",
        "a.html: loads https://example.org/e.js",
        "a.html: loads //x.org/f",
        "b/index.html: no anchor for ../a.html#top",
        "g.css: loads https://example.org/h.woff2",
    ]
    assert check.main(tmp_path) == 1


def test_an_empty_folder_is_no_site(modules, tmp_path):
    assert modules["check"].problems(tmp_path) == [f"{tmp_path}: no pages"]
