"""Numbers and columns of tables and other text files, read as every other program reads them.

Python itself takes more for a number: `1_0` for ten, the digits of any script, `inf`.
"""

import re
from collections import Counter
from collections.abc import Iterable

_WHOLE = re.compile(r"[-+]?\d+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)


def number(text: str | bytes) -> float:
    """Returns the number that a text is, with blanks around it or without.

    Raises:
        ValueError: if it is none, or too large for one.
    """
    word = _word(text)
    value = float(word) if _NUMBER.fullmatch(word) else float("inf")
    if abs(value) == float("inf"):
        raise ValueError(f"no number: {word[:80]!r}")
    return value


def number_or_nan(text: str | bytes) -> float:
    """Returns the number that a text is, NaN if it is empty or `nan`, with any sign.

    Raises:
        ValueError: as of `number`.
    """
    return float("nan") if is_no_number(text) else number(text)


def is_no_number(text: str | bytes) -> bool:
    """Says whether a text is empty or `nan`, which C writes with a sign, too."""
    return _word(text).lower().lstrip("+-") in ("", "nan")


def whole_number(text: str | bytes) -> int:
    """Returns the whole number that a text is, with blanks around it or without.

    Raises:
        ValueError: if it is none, or has more digits than Python reads.
    """
    word = _word(text)
    if not _WHOLE.fullmatch(word):
        raise ValueError(f"no whole number: {word[:80]!r}")
    return int(word)


def check_columns_differ(about: object, columns: Iterable[str]) -> None:
    """Raises a ValueError if two columns of a table have one name: which of them counts?

    Args:
        about: the table, for the error.
        columns: their names; those without one do not count.
    """
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise ValueError(f"{about}: expected one column {twice[0]}, received several.")


def _word(text):
    """Returns a text without blanks around it."""
    return (text.decode("latin1") if isinstance(text, bytes) else text).strip()
