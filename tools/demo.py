"""Normalises the portrait that comes with scikit-image, by way of the command line."""

import argparse
import subprocess
import sys
from pathlib import Path

import cv2
import skimage.data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    # Eileen Collins, photographed by NASA: in the public domain.
    portrait = out / "astronaut.png"
    cv2.imwrite(str(portrait), cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2BGR))
    command = [sys.executable, "-m", "keras_3dmmstn.cli", "normalise", portrait, "--out", out]
    print("$ keras-3dmmstn normalise", portrait, "--out", out, flush=True)
    return subprocess.run(list(map(str, command)), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
