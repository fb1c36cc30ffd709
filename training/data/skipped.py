"""Faces that were left out, and why."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Skipped:
    """A face that was left out: its name and the reason."""

    name: str
    reason: str

    def __str__(self):
        return f"{self.name}: {self.reason}"


def reason_of(error: Exception) -> str:
    """Returns why a face was left out: for a file error, the file and what is wrong."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__  # MemoryError often says nothing


def nothing_left(skipped: Sequence[Skipped]) -> ValueError:
    """Returns the error that says that no face was left."""
    return ValueError(
        f"Expected photographs of faces; none of the {len(skipped)} could be used. The first: "
        f"{skipped[0]}"
    )
