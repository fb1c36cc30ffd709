"""The numbers of a video's faces, frame by frame."""

import csv
import io
from typing import Any

import numpy as np

from keras_3dmmstn.inference.normalised_face import NormalisedFace
from keras_3dmmstn.inference.video.tracked_frame import TrackedFrame

_BOX = ("x0", "y0", "x1", "y1")
_POSE = ("yaw", "pitch", "roll")
_POSITION = ("r_x", "r_y", "r_z", "t_x", "t_y", "log_scale")


class TrackTable:
    """Collects a row for each face of each frame.

    Columns: `frame` (from 0), `time` in seconds, `person`, `confidence` and `score` (NaN where
    there is none), `yaw`, `pitch`, `roll` in degrees, the box in which the network saw the face, θ
    (axis-angle in radians, t in pixels, log of pixels per millimetre, coefficients in standard
    deviations), and the 68 landmarks in pixels of the frame.
    """

    def __init__(self) -> None:
        self._rows: list[np.ndarray] = []
        self._counts = 0, 0  # of identity and expression coefficients

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, frame: TrackedFrame) -> None:
        """Adds the faces of a frame."""
        for person, face in frame.faces.items():
            self._counts = len(face.parameters["identity"]), len(face.parameters["expression"])
            self._rows.append(_row(frame, person, face))

    def arrays(self) -> dict[str, Any]:
        """Returns the columns, n rows each.

        `frame` and `person` are whole numbers; `time`, `confidence` and `score` `(n,)`, `pose`
        `(n, 3)` yaw, pitch, roll, `box` `(n, 4)`, `theta` `(n, 6 + D)`, `landmarks` `(n, 68, 2)`.
        `identity_count` is the number of identity coefficients among the D.
        """
        modes = sum(self._counts)
        table = np.array(self._rows).reshape(-1, 12 + 6 + modes + 136)
        ends = np.cumsum([1, 1, 1, 1, 1, 3, 4, 6 + modes])
        frame, time, person, confidence, score, pose, box, theta, landmarks = np.split(
            table, ends, axis=1
        )
        return {
            "frame": frame[:, 0].astype(np.int64),
            "time": time[:, 0],
            "person": person[:, 0].astype(np.int64),
            "confidence": confidence[:, 0],
            "score": score[:, 0],
            "pose": pose,
            "box": box,
            "theta": theta.astype(np.float32),
            "landmarks": landmarks.reshape(-1, 68, 2).astype(np.float32),
            "identity_count": np.array(self._counts[0]),
        }

    def of_person(self, person: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns times `(F,)` and θ `(F, 6 + D)` of the frames that show a face."""
        rows = np.array([row for row in self._rows if row[2] == person])
        return rows[:, 1], rows[:, 12 : 12 + 6 + sum(self._counts)]

    def as_npz(self) -> bytes:
        """Returns the content of a file with these arrays, for `numpy.load`."""
        file = io.BytesIO()
        np.savez_compressed(file, **self.arrays())
        return file.getvalue()

    def as_csv(self) -> bytes:
        """Returns a CSV table with a header; unknown values are empty."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self._names())
        for row in self._rows:
            frame, time, person, *others = row.tolist()
            texts = ["" if np.isnan(value) else f"{value:.7g}" for value in others]
            writer.writerow([int(frame), f"{time:.6f}", int(person), *texts])
        return file.getvalue().encode()

    def _names(self):
        """Returns the names of the columns."""
        identity, expression = self._counts
        coefficients = [f"identity_{number}" for number in range(identity)]
        coefficients += [f"expression_{number}" for number in range(expression)]
        landmarks = [f"landmark_{number}_{axis}" for number in range(68) for axis in "xy"]
        first = "frame", "time", "person", "confidence", "score"
        return [*first, *_POSE, *_BOX, *_POSITION, *coefficients, *landmarks]


def _row(frame: TrackedFrame, person: int, face: NormalisedFace) -> np.ndarray:
    """Returns the numbers of a face as one row, with NaN for unknown values."""
    known = (np.nan if value is None else value for value in (face.confidence, face.score))
    theta = face.parameters
    return np.concatenate([
        [frame.number, frame.time, person, *known],
        face.pose,
        face.box,
        theta["rotation"], theta["translation"], [theta["log_scale"]],
        theta["identity"], theta["expression"],
        face.landmarks("ibug68").ravel(),
    ])  # fmt: skip
