"""The camera of a trained network, needed to interpret its θ: the paper's or a perspective one."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_3dmmstn.atomic_files import write_atomically
from keras_3dmmstn.network import framing
from keras_3dmmstn.network.focal_length import check_focal_length
from keras_3dmmstn.outside_files import read_file

#: The file beside `localiser.keras` in which a perspective camera is kept.
FILE = "camera.json"


@dataclass(frozen=True)
class Camera:
    """The projection of a network, as in `spatial_transformer(focal_length=...)`.

    Args:
        focal_length: None for the paper's scaled orthographic projection; else that of a
            perspective camera, in sides of the network's input.

    Raises:
        ValueError: if the focal length is not a positive number.
    """

    focal_length: float | None = None

    def __post_init__(self):
        check_focal_length(self.focal_length)

    def intrinsics(self, matrices: np.ndarray, image_size: int) -> dict[str, np.ndarray]:
        """Returns the camera in pixels of the photographs that crops are cut from.

        Args:
            matrices: `(b, 2, 3)` similarities from photographs to crops, as from
                `framing.crop_matrix`.
            image_size: side of a crop in pixels.

        Returns:
            `focal_length` `(b, 1)` and `principal_point` `(b, 2)`, the middle of the crop; float32
            in pixels of the photographs. An empty dict if the camera is orthographic.
        """
        if self.focal_length is None:
            return {}
        middle = np.full((len(matrices), 1, 2), (image_size - 1) / 2)
        values = {
            "focal_length": self.focal_length * image_size / framing.zooms(matrices)[:, None],
            "principal_point": framing.points_in_photograph(middle, matrices)[:, 0],
        }
        return {name: value.astype(np.float32) for name, value in values.items()}

    @classmethod
    def load(cls, folder: str | Path) -> "Camera":
        """Reads the camera of a weights folder; without a `camera.json` it is the paper's.

        Raises:
            ValueError: if the file is damaged.
        """
        path = Path(folder) / FILE
        if not path.exists():
            return cls()
        try:
            focal_length = json.loads(read_file(path))["focal_length"]
            if type(focal_length) not in (int, float):  # true is 1 for Python
                raise TypeError(f"received {focal_length!r:.80}.")
            return cls(float(focal_length))
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ValueError(
                f'{path}: expected JSON with a positive "focal_length" in sides of the image: '
                f"{str(error)[:200]}"
            ) from error

    def save(self, folder: str | Path) -> None:
        """Writes what `load` reads: a file for a perspective camera, none for the paper's."""
        path = Path(folder) / FILE
        if self.focal_length is None:
            path.unlink(missing_ok=True)
        else:
            content = json.dumps({"focal_length": self.focal_length}) + "\n"
            write_atomically(path, content.encode())
