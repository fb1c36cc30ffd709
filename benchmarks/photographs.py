"""Photographs normalised, against MediaPipe's Face Mesh and a network that regresses alone.

python benchmarks/photographs.py [--threads 1] [--quick] [--record]

Ours ends with everything in a `NormalisedFace`: parameters, landmarks, the mesh, the 112 × 112
texture and its mask. MediaPipe ends with 468 points: its models, `pip install --no-deps
mediapipe==0.10.14`, under LiteRT, detector and mesh. The exported network in LiteRT, which is given
the crop, is the lower bound, and MobileNetV1 0.5 is that of `mobile.py`, from 3DDFA_V2. Each
comparison is timed twice: in wall time and in processor time of all threads.
"""

import time
from functools import partial
from importlib import resources

import cv2
import numpy as np
from mediapipe_peer import FaceMesh
from mobile import PEER, PEER_SIZE, invocation, mobilenet, peer_model
from timing import Run

from keras_3dmmstn.export.mobile.tflite import tflite_model
from keras_3dmmstn.inference.detection import ShortRangeDetector
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.network import framing

WIDTH, HEIGHT = 640, 480
CLOCKS = {"wall time": time.perf_counter, "processor time": time.process_time}


def portrait() -> np.ndarray:
    """Returns the bundled portrait, one face, as a photograph of 640 × 480."""
    with resources.as_file(resources.files("keras_3dmmstn.assets") / "portrait.jpg") as path:
        image = read_photograph(path)
    scale = HEIGHT / image.shape[0]
    scaled = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left = (WIDTH - scaled.shape[1]) // 2
    right = WIDTH - scaled.shape[1] - left
    return cv2.copyMakeBorder(scaled, 0, 0, left, right, cv2.BORDER_REPLICATE)


def main():
    """Times a face in a given box, and a whole photograph."""
    run = Run.from_command_line(__doc__, __file__, threads=1)
    normaliser, photograph = Normaliser.pretrained(), portrait()
    quick = Normaliser.pretrained(detector=ShortRangeDetector(), looks=1)
    (face,) = normaliser(photograph)
    matrix = framing.crop_matrix(face.box, normaliser.image_size)
    crop = warp(photograph, matrix, normaliser.image_size).astype(np.float32)
    small = cv2.resize(crop, (PEER_SIZE, PEER_SIZE))
    mesh, far = (
        FaceMesh(threads=run.threads, detector=name)
        for name in ("short_range", "full_range_sparse")
    )
    ours = tflite_model(normaliser, "float32")
    peer = peer_model(mobilenet(), "float32", small[None])
    for name, clock in CLOCKS.items():
        run.compare(
            f"face in a given box, {name}",
            {"ours": partial(normaliser, photograph, [face.box])},
            {
                "exported network": invocation(ours, crop, run.threads),
                PEER: invocation(peer, small, run.threads),
            },
            seconds=6,
            clock=clock,
        )
        run.compare(
            f"photograph of {WIDTH} × {HEIGHT} with one face, {name}",
            {
                "ours": partial(normaliser, photograph),
                "ours, MediaPipe's detector and one look": partial(quick, photograph),
            },
            {
                "MediaPipe": partial(mesh, photograph),
                "MediaPipe, full-range detector": partial(far, photograph),
            },
            seconds=6,
            clock=clock,
        )
    run.write()


if __name__ == "__main__":
    main()
