"""Makes MkDocs read the pages where they lie in the repository, and adds what typesets formulas."""

import json
import sys
from pathlib import Path

from contents import (
    ROOT,
    anchor,
    as_page,
    linked_files,
    navigation,
    notebook_page,
    pages,
    place_in_site,
    with_titles,
)
from mkdocs.exceptions import ConfigurationError
from mkdocs.structure.files import File, Files

HERE = Path(__file__).parent

#: Where `make docs` has npm put KaTeX.
KATEX = ROOT / "build/katex/node_modules/katex/dist"

#: Where `make docs` puts the notebooks with what they print and draw.
NOTEBOOKS = ROOT / "build/notebooks"


def on_config(config):
    # MkDocs has this folder in the path while it reads the hooks; docstrings.py needs it later.
    sys.path.append(str(HERE))
    config.nav = _of_pages(navigation())
    config.mdx_configs["toc"]["slugify"] = anchor
    if not KATEX.is_dir():
        raise ConfigurationError(f"Expected KaTeX in {KATEX}: `make docs` fetches it.")
    for notebook in _notebooks(pages(navigation())):
        if not _executed(notebook).is_file():
            raise ConfigurationError(f"Expected {_executed(notebook)}: `make docs` runs notebooks.")
    return config


def on_files(files, config):
    """Puts the repository's pages, and what they link to, in the place of those of docs/."""
    whole = Files([file for file in files if file.src_dir != config.docs_dir])
    # What is not in the navigation is added, too, so that MkDocs complains.
    listed = pages(navigation())
    found = listed + [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))]
    found = [path for path in dict.fromkeys(found) if (ROOT / path).is_file()]
    notebooks = _notebooks(found)
    found = [path for path in found if path not in notebooks]
    for path in dict.fromkeys(found + [file for page in found for file in linked_files(page)]):
        whole.append(_file(ROOT, path, place_in_site(path), config))
    for path in notebooks:
        for file in _notebook_files(path, config):
            whole.append(file)
    whole.append(_file(KATEX, "katex.min.css", "assets/katex/katex.min.css", config))
    for font in sorted((KATEX / "fonts").glob("*.woff2")):
        whole.append(_file(KATEX, f"fonts/{font.name}", f"assets/katex/fonts/{font.name}", config))
    whole.append(_file(HERE, "site.css", "assets/site.css", config))
    return whole


def on_page_markdown(markdown, page, config, files):
    markdown = with_titles(markdown, page.file.src_uri, config.nav)
    # Only the page of a notebook leads to the notebook itself.
    is_notebook = page.file.dest_uri.startswith("notebooks/")
    return markdown if is_notebook else markdown.replace(".ipynb)", ".md)")


def _of_pages(tabs):
    """Returns a navigation in which notebooks are the pages that they become."""
    return [
        {
            title: _of_pages(value) if isinstance(value, list) else as_page(value)
            for title, value in entry.items()
        }
        for entry in tabs
    ]


def _notebooks(paths):
    """Returns those of some pages that are notebooks."""
    return [path for path in paths if as_page(path) != path]


def _executed(notebook):
    """Returns the copy of a notebook that was run."""
    return NOTEBOOKS / Path(notebook).name


def _notebook_files(notebook, config):
    """Returns the page of a notebook, its pictures and the notebook itself, for the site."""
    cells = json.loads(_executed(notebook).read_text())["cells"]
    content, pictures = notebook_page(notebook, cells)
    page = File.generated(config, as_page(notebook), content=content)
    page.dest_uri = place_in_site(notebook)
    files = [page, _file(ROOT, notebook, f"notebooks/{Path(notebook).name}", config)]
    for name, picture in pictures.items():
        beside = str(Path(notebook).with_name(name))
        files.append(File.generated(config, beside, content=picture))
        files[-1].dest_uri = f"notebooks/{name}"
    return files


def _file(folder, path, place, config):
    """Returns a file of a folder, at its place in the site."""
    return File(path, str(folder), config.site_dir, use_directory_urls=True, dest_uri=place)
