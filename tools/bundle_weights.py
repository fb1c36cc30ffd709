"""Makes trained weights small enough to be bundled: rounded to half precision, and compressed.

python tools/bundle_weights.py RUN --out keras_3dmmstn/assets/base.keras

The file is an ordinary `.keras` one with float32 weights; each is a number that half precision has,
so that the file compresses to a half.
"""

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from keras_3dmmstn.atomic_files import atomic_destination
from keras_3dmmstn.network.pretrained import LOCALISER_FILE, load_localiser

_LARGEST = 6.5e4


def rounded(weights: np.ndarray) -> np.ndarray:
    """Returns float32 weights rounded to what half precision has.

    Raises:
        ValueError: if one is too large for half precision.
    """
    if np.abs(weights).max(initial=0) > _LARGEST:
        raise ValueError(
            f"Expected weights up to {_LARGEST:g}, received {np.abs(weights).max():g}."
        )
    return weights.astype(np.float16).astype(np.float32)


def compress(source: Path, destination: Path) -> None:
    """Writes a zip file anew with its members compressed."""
    with (
        zipfile.ZipFile(source) as plain,
        atomic_destination(destination) as aside,
        zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as small,
    ):
        for member in plain.infolist():
            small.writestr(member.filename, plain.read(member))


def main():
    """Reads the command line, rounds, writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of the weights")
    parser.add_argument("--out", type=Path, required=True, help="the .keras file to write")
    arguments = parser.parse_args()
    localiser = load_localiser(arguments.run / LOCALISER_FILE)
    localiser.set_weights([rounded(weight) for weight in localiser.get_weights()])
    with tempfile.TemporaryDirectory() as folder:
        localiser.save(Path(folder) / LOCALISER_FILE)
        compress(Path(folder) / LOCALISER_FILE, arguments.out)
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
