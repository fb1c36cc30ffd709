"""Text for terminals that lack some characters, such as those of Windows with cp1252."""

import codecs
import io
from typing import TextIO

# What the commands print in tables and titles; everything else becomes an escape.
_PLAIN = {
    "√": "sqrt",
    "σ": "sigma",
    "α": "alpha",
    "θ": "theta",
    "₁": "1",
    "₂": "2",
    "−": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "✓": "ok",
}
_NAME = "keras_3dmmstn.plain"


def print_what_there_is(stream: TextIO | None) -> None:
    """Makes a stream print substitutes for the characters that its encoding lacks."""
    codecs.register_error(_NAME, _plain)
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=_NAME)


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Returns substitutes for the characters that cannot be encoded, and where to continue."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    shown = (_PLAIN.get(c, c.encode("ascii", "backslashreplace").decode()) for c in characters)
    return "".join(shown), error.end
