"""Normalises the portrait that comes with scikit-image and puts the pictures side by side."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from keras_3dmmstn import Normaliser
from keras_3dmmstn.drawing.overlay import draw_fit
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network.framing import crop_matrix

_SIZE = 320


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for the pictures")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    # Eileen Collins, photographed by NASA: in the public domain.
    portrait = out / "astronaut.png"
    _write(portrait, skimage.data.astronaut())

    command = ["keras-3dmmstn", "normalise", str(portrait), "--front", "--out", str(out)]
    print("$", *command, flush=True)
    status = subprocess.run([Path(sys.executable).with_name(command[0]), *command[1:]]).returncode
    if status == 0:
        _write(out / "side_by_side.jpg", side_by_side(portrait))
        print(out / "side_by_side.jpg")
    return status


def side_by_side(portrait: Path) -> np.ndarray:
    """Joins the photograph, the fitted mesh, the face seen from the front, texture and mask."""
    stem = portrait.with_name(f"{portrait.stem}_0")
    description = json.loads(stem.with_suffix(".json").read_text())
    texture = read_photograph(f"{stem}_texture.png")
    mask = read_photograph(f"{stem}_mask.png")
    photograph, box = read_photograph(portrait), np.array(description["box"])
    # Larger than the command draws it, so that its lines are fine.
    fit = draw_fit(photograph, Normaliser.pretrained()(photograph, [box]))
    zoom = fit.shape[0] / photograph.shape[0]

    front = cv2.resize(
        read_photograph(f"{stem}_front.png"), (_SIZE, _SIZE), interpolation=cv2.INTER_AREA
    )
    texture, mask = (
        cv2.resize(picture, (_SIZE, _SIZE), interpolation=cv2.INTER_NEAREST)
        for picture in (texture, mask)
    )
    # White on a white page, the mask needs an edge.
    cv2.rectangle(mask, (0, 0), (_SIZE - 1, _SIZE - 1), (190, 190, 190), 2)
    pictures = [
        warp(photograph, crop_matrix(box, _SIZE), _SIZE),
        warp(fit, crop_matrix((box + 0.5) * zoom - 0.5, _SIZE), _SIZE),
        front,
        texture,
        mask,
    ]
    return np.concatenate(pictures, axis=1)


def _write(path, rgb):
    cv2.imwrite(str(path), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    sys.exit(main())
