"""A file from outside, with its reader."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.support.mutation import mutant


class OutsideFile(NamedTuple):
    """A file, what reads it (with others beside it), and what makes mutants of its content.

    `read` raises a ValueError that names the file if it is refused, also where it is the caller who
    says so in another way.
    """

    path: Path
    read: Callable[[], object]
    mutant: Callable[[bytes, np.random.Generator], bytes] = mutant
