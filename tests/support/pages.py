"""The pages of the documentation, and what is in them."""

import re
from pathlib import Path

from tests.support.paths import ROOT

#: The pages whose code is run and whose commands are checked, by the names that tests give them.
PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
}

#: Pages that have commands and links, but no Python.
OTHER_PAGES = {
    str(path.relative_to(ROOT)): path
    for path in (
        ROOT / "CHANGELOG.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        ROOT / "benchmarks/README.md",
        ROOT / "examples/README.md",
        ROOT / "experiments/README.md",
        ROOT / "tools/README.md",
        *sorted((ROOT / "keras_3dmmstn/assets").glob("*.md")),
    )
}

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)


def python_blocks(path: Path) -> list[str]:
    """Returns the blocks of Python on a page."""
    return [block for language, block in _FENCED.findall(path.read_text()) if language == "python"]


def shell_lines(path: Path) -> list[str]:
    """Returns the lines of a page's blocks without a language; lines that go on are joined."""
    text = path.read_text()
    blocks = [block for language, block in _FENCED.findall(text) if not language]
    blocks += [block for block in _INDENTED.findall(_FENCED.sub("", text))]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines]


def inline_code(path: Path) -> list[str]:
    """Returns what is marked as code within the sentences of a page, on one line each."""
    prose = _FENCED.sub("", path.read_text())
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]


def headings(path: Path) -> set[str]:
    """Returns the anchors of a page's headings, and of the names that it describes."""
    text = _FENCED.sub("", path.read_text())
    texts = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {_anchor(text) for text in texts} | set(described_names(path))


def described_names(path: Path) -> list[str]:
    """Returns the names of the package whose docstrings the site puts on a page."""
    return re.findall(r"^::: (\S+)$", path.read_text(), re.MULTILINE)


def _anchor(heading):
    """Returns the anchor that a heading gets where pages are shown."""
    words = re.sub(r"[^\w\- ]", "", heading.lower())
    return words.replace(" ", "-")
