"""Faces that are left out, and why."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Skipped:
    """A face that was left out: what it is called, and why."""

    name: str
    reason: str

    def __str__(self):
        return f"{self.name}: {self.reason}"


def nothing_left(skipped: Sequence[Skipped]) -> ValueError:
    """Returns the error that says that no face was left."""
    return ValueError(
        f"Expected photographs of faces; none of the {len(skipped)} could be used. The first: "
        f"{skipped[0]}"
    )
