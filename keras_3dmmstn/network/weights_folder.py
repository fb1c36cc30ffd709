"""The files of a folder of weights."""

from pathlib import Path

#: The files of a folder of weights.
LOCALISER_FILE, FACE_MODEL_FILE = "localiser.keras", "face_model.npz"


def weights_files(folder: str | Path) -> tuple[Path, Path]:
    """Returns the localiser and the face model of a folder of weights.

    Raises:
        FileNotFoundError: if there is no such folder, or one of the two is missing.
    """
    folder = Path(folder)
    files = folder / LOCALISER_FILE, folder / FACE_MODEL_FILE
    missing = [file for file in files if not file.exists()]
    if missing:
        what = missing[0] if folder.exists() else f"folder {folder}"
        raise FileNotFoundError(
            f"Expected a folder with {LOCALISER_FILE} and {FACE_MODEL_FILE}, but there is no "
            f"{what}."
        )
    return files
