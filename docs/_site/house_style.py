"""Writes what docstrings have beyond Google's style as Markdown."""

import re
from textwrap import dedent

_INDENTED = r"((?:(?:    .*)?\n)*    .*)"
_LIST = re.compile(rf"^(Call arguments|Attributes):\n{_INDENTED}", re.MULTILINE)
_TEXT = re.compile(rf"^(Returns|Yields|Source):\n{_INDENTED}", re.MULTILINE)
_EXAMPLE = re.compile(
    r"^Example:\n\n?((?: *(?:>>>|\.\.\. ).*(?:\n(?! *>>>).+)*\n?)+)", re.MULTILINE
)
_ITEM = re.compile(r"^([\w, ]+): (.*(?:\n    .*)*)", re.MULTILINE)


def as_markdown(docstring: str) -> str:
    """Returns a docstring of which only sections that list something are left as they were."""
    docstring = _LIST.sub(_as_list, docstring)
    docstring = _TEXT.sub(lambda match: f"**{match[1]}:** {dedent(match[2]).strip()}", docstring)
    return _EXAMPLE.sub(_as_block, docstring)


def _as_list(match):
    """Writes `name: description` of one or several lines as a list."""
    items = _ITEM.findall(dedent(match[2]))
    lines = [f"- **`{names}`** – {' '.join(text.split())}" for names, text in items]
    return "\n".join([f"**{match[1]}:**", "", *lines])


def _as_block(match):
    """Writes an example for the interpreter as a block of code."""
    return f"**Example:**\n\n```pycon\n{dedent(match[1]).strip()}\n```\n"
