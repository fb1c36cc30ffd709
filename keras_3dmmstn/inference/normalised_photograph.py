"""The result for one photograph among several."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace


@dataclass(frozen=True, eq=False)
class NormalisedPhotograph:
    """The faces of one of several photographs, or why there are none.

    Attributes:
        source: the photograph as given: its path, or the array.
        image: `(height, width, 3)` uint8 RGB; None if it could not be read.
        error: why it failed; None if it did not.
    """

    source: str | Path | np.ndarray = field(repr=False)
    image: np.ndarray | None = field(repr=False)
    error: Exception | None
    _faces: list[NormalisedFace] = field(repr=False)

    @property
    def faces(self) -> list[NormalisedFace]:
        """Its faces, as `Normaliser` returns them.

        Raises:
            Exception: the photograph's own `error`, if it failed.
        """
        if self.error is not None:
            raise self.error
        return self._faces
