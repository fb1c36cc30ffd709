"""Writes what the docstrings of the package have beyond Google's style as Markdown."""

import re

import griffe

_CALL_ARGUMENTS = re.compile(r"^Call arguments:\n((?:(?:    .*)?\n)*(?:    .*)?)", re.MULTILINE)
_SOURCE = re.compile(r"^Source:\n((?:    .*\n?)+)", re.MULTILINE)
_EXAMPLE = re.compile(r"^Example:\n\n?((?: *(?:>>>|\.\.\.).*\n?(?:(?!\n| *>>>).+\n?)*)+)", re.MULTILINE)


class HouseStyle(griffe.Extension):
    """Turns call arguments, sources and examples into Markdown before a docstring is taken apart."""

    def on_object(self, *, obj, **kwargs):
        if obj.docstring:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(docstring: str) -> str:
    """Returns a docstring with the sections that Google's style does not know as Markdown."""
    docstring = _CALL_ARGUMENTS.sub(_as_list, docstring)
    docstring = _SOURCE.sub(lambda match: f"**Source:** {_on_one_line(match[1])}\n", docstring)
    return _EXAMPLE.sub(_as_block, docstring)


def _as_list(match):
    """Writes `name: description` of one or several lines as a list."""
    items = [
        f"- `{name}`: {_on_one_line(text)}"
        for name, text in re.findall(
            r"^    ([\w, ]+): (.*(?:\n        .*)*)", match[1], re.MULTILINE
        )
    ]
    return "**Call arguments:**\n\n" + "\n".join(items) + "\n\n"


def _as_block(match):
    """Writes an example for the interpreter as a block of code."""
    lines = match[1].rstrip().splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    code = "\n".join(line[indent:] for line in lines)
    return f"**Example:**\n\n```pycon\n{code}\n```\n"


def _on_one_line(text):
    return " ".join(text.split())
