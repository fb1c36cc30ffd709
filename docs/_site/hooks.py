"""Makes MkDocs read the pages where they lie in the repository, and adds what typesets formulas."""

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


def on_config(config):
    # MkDocs has this folder in the path while it reads the hooks; docstrings.py needs it later.
    sys.path.append(str(HERE))
    config.nav = _of_pages(navigation())
    config.mdx_configs["toc"]["slugify"] = anchor
    if not KATEX.is_dir():
        raise ConfigurationError(f"Expected KaTeX in {KATEX}: `make docs` fetches it.")
    return config


def on_files(files, config):
    """Puts the repository's pages, and what they link to, in the place of those of docs/."""
    whole = Files([file for file in files if file.src_dir != config.docs_dir])
    # What is not in the navigation is added, too, so that MkDocs complains.
    listed = pages(navigation())
    found = listed + [str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))]
    found = [path for path in dict.fromkeys(found) if (ROOT / path).is_file()]
    notebooks = [path for path in found if as_page(path) != path]
    found = [path for path in found if path not in notebooks]
    for path in dict.fromkeys(found + [file for page in found for file in linked_files(page)]):
        whole.append(_file(ROOT, path, place_in_site(path), config))
    for path in notebooks:
        file = File.generated(config, as_page(path), content=notebook_page(path))
        file.dest_uri = place_in_site(path)
        whole.append(file)
    whole.append(_file(KATEX, "katex.min.css", "assets/katex/katex.min.css", config))
    for font in sorted((KATEX / "fonts").glob("*.woff2")):
        whole.append(_file(KATEX, f"fonts/{font.name}", f"assets/katex/fonts/{font.name}", config))
    whole.append(_file(HERE, "site.css", "assets/site.css", config))
    return whole


def on_page_markdown(markdown, page, config, files):
    return with_titles(markdown, page.file.src_uri, config.nav).replace(".ipynb)", ".md)")


def _of_pages(tabs):
    """Returns a navigation in which notebooks are the pages that they become."""
    return [
        {
            title: _of_pages(value) if isinstance(value, list) else as_page(value)
            for title, value in entry.items()
        }
        for entry in tabs
    ]


def _file(folder, path, place, config):
    """Returns a file of a folder, at its place in the site."""
    return File(path, str(folder), config.site_dir, use_directory_urls=True, dest_uri=place)
