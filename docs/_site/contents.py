"""Which pages the site has, in which order, and where they lie in it.

The index of the documentation, docs/README.md, says it: a heading of it is a tab, a line in bold a
part of the tab, and each link to a page in a list a page of the site. Pages lie anywhere in the
repository and link to each other by their files, so that they can be read there, too.
"""

import base64
import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
INDEX = "docs/README.md"
FRONT_PAGE = "README.md"

_NOTEBOOK = ".ipynb"
_PAGES = (".md", _NOTEBOOK)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_NAMED_BY_FILE = re.compile(r"\[([\w./-]+\.md)\]\(([^)#\s]+)(#[^)\s]*)?\)")
# Of what a program writes to a terminal: a line that it clears, and the other orders.
_ERASED = re.compile(r"[^\n]*(?:\n\x1b\[1A)?\x1b\[2K")
_COLOUR = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
_FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def navigation() -> list:
    """Returns the site's tabs as MkDocs wants them, pages by their paths in the repository.

    The index does not link to itself; it becomes the second page.
    """
    tabs: list = []
    part: list = []
    for line in (ROOT / INDEX).read_text().splitlines():
        if heading := re.fullmatch(r"## (.+)", line):
            part = []
            tabs.append({heading[1]: part})
        elif bold := re.fullmatch(r"\*\*(.+)\*\*", line):
            part = []
            next(iter(tabs[-1].values())).append({bold[1]: part})
        elif line.startswith(("- ", "  ")):
            for text, target in _LINK.findall(line):
                if target.endswith(_PAGES):
                    part.append({text[0].upper() + text[1:]: in_repository(INDEX, target)})
    next(iter(tabs[0].values())).insert(1, {"All pages": INDEX})
    return tabs


def pages(tabs: list) -> list[str]:
    """Returns the pages of a navigation, each once, in order."""
    found: list[str] = []
    for entry in tabs:
        for value in entry.values():
            found += pages(value) if isinstance(value, list) else [value]
    return list(dict.fromkeys(found))


def with_titles(markdown: str, page: str, tabs: list) -> str:
    """Returns a page with links named by the titles of pages where it names them by their files."""
    titles = _titles(tabs)

    def with_title(match):
        path = in_repository(page, match[2])
        return f"[{titles.get(path, match[1])}]({match[2]}{match[3] or ''})"

    return _NAMED_BY_FILE.sub(with_title, markdown)


def _titles(tabs):
    """Returns the titles of pages by their paths."""
    found = {}
    for entry in tabs:
        for title, value in entry.items():
            found |= _titles(value) if isinstance(value, list) else {value: title}
    return found


def linked_files(page: str) -> list[str]:
    """Returns what a page of the repository links to there, other than pages."""
    text = _FENCED.sub("", (ROOT / page).read_text())
    targets = [target.partition("#")[0] for _, target in _LINK.findall(text)]
    local = [in_repository(page, target) for target in targets if target and ":" not in target]
    return [path for path in local if not path.endswith(_PAGES) and (ROOT / path).is_file()]


def as_page(notebook: str) -> str:
    """Returns the path of the page that a notebook becomes; of a page, its own."""
    return f"{notebook.removesuffix(_NOTEBOOK)}.md" if notebook.endswith(_NOTEBOOK) else notebook


def notebook_page(notebook: str, cells: list[dict]) -> tuple[str, dict[str, bytes]]:
    """Returns a notebook of the repository as a page.

    Args:
        notebook: its path in the repository.
        cells: those of its copy that was run, with outputs.

    Returns:
        Its text, its code, and what that printed and drew, as Markdown, and the pictures by their
        names, which lie beside the page.
    """
    stem = PurePosixPath(notebook).stem
    where = f"This page is the notebook [{stem}{_NOTEBOOK}]({stem}{_NOTEBOOK}), with its results."
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in cells:
        text = "".join(cell["source"])
        parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        for output in cell.get("outputs", []):
            if picture := output.get("data", {}).get("image/png"):
                name = f"{stem}_{len(pictures)}.png"
                pictures[name] = base64.b64decode("".join(picture))
                parts.append(f"![what the code above draws]({name})")
            elif printed := _printed(output):
                parts.append(f"``` {{ .text .output }}\n{printed}\n```")
    heading, *others = "\n\n".join(parts).split("\n\n", 1)
    return "\n\n".join([heading, where, *others]) + "\n", pictures


def _printed(output):
    """Returns what a cell printed or gave, as a terminal shows it; nothing of the error stream."""
    if output.get("name") == "stderr":
        return ""
    text = "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
    text = _ERASED.sub("", text.replace("\r\n", "\n"))
    lines = [line.rstrip() for line in _COLOUR.sub("", text).split("\n")]
    return "\n".join(lines).strip("\n")


def in_repository(page: str, target: str) -> str:
    """Returns the path of what a page links to by a path from its own folder."""
    return str((ROOT / page).parent.joinpath(target).resolve().relative_to(ROOT))


def place_in_site(path: str) -> str:
    """Returns the file of the site for a file of the repository."""
    whole = PurePosixPath(path)
    if whole.suffix not in _PAGES:
        # A file without an ending would be saved, not shown.
        return path.removeprefix("docs/") if whole.suffix else f"{path}.txt"
    if whole.suffix == _NOTEBOOK:
        return f"notebooks/{whole.stem}/index.html"
    if path == FRONT_PAGE:
        return "index.html"
    if path == INDEX:
        return "contents/index.html"
    if whole.parts[0] == "docs":
        return f"{path.removeprefix('docs/').removesuffix('.md')}/index.html"
    if whole.name == "README.md":
        return f"folders/{whole.parent}/index.html"
    name = whole.stem.lower()
    if name.endswith("_card"):
        return f"cards/{name.removesuffix('_card')}/index.html"
    return f"{name}/index.html"


def anchor(heading: str, separator: str = "-") -> str:
    """Returns the anchor that a heading gets where the repository is shown, and here, too."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)
