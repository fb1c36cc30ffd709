"""Numbers and columns of tables and other text files, read as other programs read them.

Python itself accepts more as numbers: `1_0` for ten, the digits of any script, `inf`.
"""

import re
from collections import Counter
from collections.abc import Iterable

_WHOLE = re.compile(r"[-+]?\d+", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)


def number(text: str | bytes) -> float:
    """Returns the number in a text, with or without blanks around it.

    Raises:
        ValueError: if it is not a number, or too large for a float.
    """
    word = _word(text)
    value = float(word) if _NUMBER.fullmatch(word) else float("inf")
    if abs(value) == float("inf"):
        raise ValueError(f"no number: {word[:80]!r}")
    return value


def number_or_nan(text: str | bytes) -> float:
    """Returns the number in a text; NaN if it is empty or `nan`, with any sign.

    Raises:
        ValueError: as for `number`.
    """
    return float("nan") if is_no_number(text) else number(text)


def is_no_number(text: str | bytes) -> bool:
    """Returns whether a text is empty or `nan`, which C may write with a sign."""
    return _word(text).lower().lstrip("+-") in ("", "nan")


def whole_number(text: str | bytes) -> int:
    """Returns the whole number in a text, with or without blanks around it.

    Raises:
        ValueError: if it is not a whole number, or has more digits than Python reads.
    """
    word = _word(text)
    if not _WHOLE.fullmatch(word):
        raise ValueError(f"no whole number: {word[:80]!r}")
    return int(word)


def check_columns_differ(about: object, columns: Iterable[str]) -> None:
    """Raises a ValueError if two columns of a table have the same name, which is ambiguous.

    Args:
        about: the table, for the error message.
        columns: their names; columns without a name do not count.
    """
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise ValueError(f"{about}: expected one column {twice[0]}, received several.")


def _word(text):
    """Returns a text without blanks around it."""
    return (text.decode("latin1") if isinstance(text, bytes) else text).strip()
