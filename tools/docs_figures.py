"""Makes the pictures in docs/figures with the commands shown in docs/figures.md."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from keras_3dmmstn.inference.photograph import read_photograph

_ROOT = Path(__file__).parents[1]
# In-plane turn (degrees), zoom, gain of light on the image-left and the image-right side.
_CHANGES = (
    (0, 1.0, (1.0, 1.0)),
    (-28, 0.8, (1.0, 1.0)),
    (18, 1.3, (1.4, 0.3)),
    (9, 0.35, (1.0, 1.0)),
    (-12, 1.0, (0.4, 0.4)),
    (32, 1.1, (0.3, 1.4)),
)
# Over how many pixels the light changes from one side to the other.
_PENUMBRA = 20.0
_FACE = (225.0, 120.0)  # its middle in the portrait, pixels
_LARGEST_WIDTH = 1200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    out_help = "folder for the pictures"
    parser.add_argument("--out", type=Path, default=_ROOT / "docs" / "figures", help=out_help)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # Eileen Collins, photographed by NASA: in the public domain.
        person = Path(folder) / "persons" / "Eileen_Collins"
        photographs = _write_changed(skimage.data.astronaut(), person)
        _run("uv", "--out", out / "uv.jpg")
        _run("pipeline", photographs[0], "--out", out / "pipeline.jpg")
        _run("person", *photographs, "--out", out / "person.jpg")
        means = Path(folder) / "means"
        _run("mean-texture", person.parent, "--out", means)
        sheet = read_photograph(means / "mean_textures.jpg")
        _write(out / "mean_texture.jpg", sheet)
    for path in sorted(out.glob("*.jpg")):
        _write(path, _no_wider(read_photograph(path)))
        print(f"{path}: {path.stat().st_size // 1000} kB")
    return 0


def _write_changed(portrait, folder):
    """Writes a portrait as if photographed in several ways, and returns the files."""
    folder.mkdir(parents=True)
    height, width = portrait.shape[:2]
    paths = []
    for number, (turn, zoom, gains) in enumerate(_CHANGES):
        matrix = cv2.getRotationMatrix2D(_FACE, turn, zoom)
        matrix[:, 2] += np.array([width, height]) * (0.5, 0.4) - _FACE
        changed = cv2.warpAffine(
            portrait, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
        )
        right = 1 / (1 + np.exp((width / 2 - np.arange(width)) / (_PENUMBRA * zoom)))
        gain = (gains[0] * (1 - right) + gains[1] * right)[None, :, None]
        paths.append(folder / f"portrait_{number}.png")
        _write(paths[-1], np.clip(changed * gain, 0, 255).astype(np.uint8))
    return paths


def _run(*arguments):
    """Runs a figure command and prints it."""
    command = ["keras-3dmmstn", "figure", *map(str, arguments)]
    print("$", *command, flush=True)
    subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]], check=True)


def _no_wider(picture):
    """Returns a picture made small enough for a page."""
    share = min(1.0, _LARGEST_WIDTH / picture.shape[1])
    return cv2.resize(picture, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)


def _write(path, picture):
    options = [cv2.IMWRITE_JPEG_QUALITY, 88] if path.suffix == ".jpg" else []
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)


if __name__ == "__main__":
    sys.exit(main())
