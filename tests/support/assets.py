"""The photograph that comes with the package."""

from importlib import resources
from pathlib import Path

import numpy as np

PORTRAIT = Path(str(resources.files("keras_3dmmstn.assets") / "portrait.jpg"))

#: The tight box of the 68 landmarks of its face.
PORTRAIT_BOX = np.array([177.0, 72.0, 268.0, 190.0])
