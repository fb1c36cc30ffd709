"""A video's faces followed, against each frame on its own and MediaPipe's Face Mesh.

python benchmarks/video.py [--threads 1] [--quick] [--record]

Forty frames of 640 × 480 in which the bundled portrait moves, in memory: nothing is decoded, drawn
or encoded. Ours ends with all that a `NormalisedFace` holds, textures of 112 × 112 too, once as
`Normaliser.track` and once as the command does it, with the work of one frame beside that of the
next. MediaPipe runs its detector and its mesh on each frame, as it does when it has lost a face,
and ends with 468 points. Frames per second are 40 divided by the seconds.
"""

from collections import deque
from functools import partial

import cv2
import numpy as np
from mediapipe_peer import FaceMesh
from photographs import CLOCKS, portrait
from timing import Run

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.threads import ahead

FRAMES = 40
# The head sways by so many pixels.
_SWAY = 24.0


def swaying(photograph: np.ndarray) -> list[np.ndarray]:
    """Returns frames in which a photograph moves to and fro, 1.5 times a second at 25 frames."""
    height, width = photograph.shape[:2]
    frames = []
    for number in range(FRAMES):
        x, y = _SWAY * np.sin(0.38 * number), 0.3 * _SWAY * np.sin(0.76 * number)
        move = np.array([[1, 0, x], [0, 1, y]])
        frames.append(
            cv2.warpAffine(photograph, move, (width, height), borderMode=cv2.BORDER_REPLICATE)
        )
    return frames


def main():
    """Times the frames."""
    run = Run.from_command_line(__doc__, __file__, threads=1)
    normaliser, frames = Normaliser.pretrained(), swaying(portrait())
    mesh = FaceMesh(threads=run.threads)
    exhaust = partial(deque, maxlen=0)
    for name, clock in CLOCKS.items():
        run.compare(
            f"{FRAMES} frames of 640 × 480 with one face, {name}",
            {
                "followed": lambda: exhaust(normaliser.track(frames)),
                "followed, frames side by side": lambda: exhaust(
                    ahead(normaliser.track(ahead(frames)))
                ),
            },
            {
                "each frame on its own": lambda: exhaust(map(normaliser, frames)),
                "MediaPipe": lambda: exhaust(map(mesh, frames)),
            },
            seconds=20,
            clock=clock,
        )
    run.write()


if __name__ == "__main__":
    main()
