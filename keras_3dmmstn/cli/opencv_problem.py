"""What to tell a user whose OpenCV is missing, does not load, or is too old."""

import sys
import traceback
from pathlib import Path

from keras_3dmmstn.cli.memory_problem import memory_problem

_INSTALL = 'pip install "opencv-python-headless>=4.11"'
# Both install into the same folder: unless both are removed first, the result is a mixture.
_REPLACE = f"pip uninstall --yes opencv-python opencv-python-headless && {_INSTALL}"


def opencv_problem(error: BaseException) -> str | None:
    """Returns a sentence on OpenCV and what to install, or None if an error has another cause."""
    if memory_problem(error):
        return None
    if isinstance(error, ModuleNotFoundError) and error.name == "cv2":
        return f"OpenCV is missing: {_INSTALL}"
    if isinstance(error, ImportError) and (error.name == "cv2" or _comes_from_opencv(error)):
        return f"OpenCV does not load ({str(error).splitlines()[0]}): {_REPLACE}"
    if isinstance(error, AttributeError) and error.obj is sys.modules.get("cv2", error):
        version = getattr(error.obj, "__version__", "as installed")
        return f"OpenCV {version} is too old, it has no {error.name}: {_REPLACE}"
    return None


def _comes_from_opencv(error):
    """Returns whether an exception was raised while `cv2` was imported."""
    frames = traceback.extract_tb(error.__traceback__)
    return any(Path(frame.filename).parts[-2:] == ("cv2", "__init__.py") for frame in frames)
