"""How much jitter do the faces of a video have, before and after smoothing, and what does it cost?

python experiments/video_smoothing.py VIDEO... --frames FACES/youtube/val [--record]

Jitter is the root mean square of the second difference of the 51 inner landmarks, in % of √(w·h) of
their face's box; the median over the frames of each video, and of all. Four ways are compared: each
frame on its own with the detector, faces followed but not smoothed, followed with the One-Euro
filter on θ (Casiez et al. 2012; one weight for the pose, one for the coefficients, which follow the
speed of the landmarks), and `Smoothing`. Lag is the number of frames by which the yaw is delayed
compared with no smoothing, where the two curves match best.

The error is that of labelled frames, three from each clip, 51 inner points in % of √(w·h), boxes
from the labels: each clip is treated as three frames of a video of 25 frames per second. They are
further apart than that, so their motion must not be mistaken for noise.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from scipy.spatial.transform import Rotation

from keras_3dmmstn.inference.looking import FacesInPhotographs
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.inference.video.face_tracker import FaceTracker
from keras_3dmmstn.inference.video.frames import VideoFile
from keras_3dmmstn.inference.video.sighting import Sighting, sightings
from keras_3dmmstn.inference.video.smoothing import Smoothing
from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

RATE = 25.0
# Of the One-Euro filter: least cut-off in Hz, its growth with the speed in % of the face a second,
# and the cut-off of the speed itself.
CUT_OFF, GROWTH, SPEED_CUT_OFF = 2.0, 0.1, 1.0

Filter = Callable[[list[Sighting]], np.ndarray]


class Points:
    """Landmarks of θ, projected orthographically."""

    def __init__(self, model: GridModel):
        chosen = model.landmarks["ibug68"]
        self._mean, self._basis = model.mean[chosen], model.basis[:, chosen]

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        """Returns `(68, 2)` in pixels."""
        shape = self._mean + np.tensordot(theta[6:], self._basis, 1)
        posed = Rotation.from_rotvec(theta[:3]).apply(shape)[:, :2]
        return np.exp(theta[5]) * posed + theta[3:5]


def unfiltered(seen: list[Sighting]) -> np.ndarray:
    """Returns θ of the frames as they are, `(F, 6 + D)`."""
    return np.stack([face.parameters for face in seen]).astype(float)


def smoothed(smoothing: Smoothing, seen: list[Sighting]) -> np.ndarray:
    """Returns θ of the frames as `Normaliser.track` smooths them."""
    thetas = unfiltered(seen)
    for now in range(1, len(seen) - 1):
        times = (now - 1) / RATE, now / RATE, (now + 1) / RATE
        thetas[now] = smoothing(seen[now - 1], seen[now], seen[now + 1], times)
    return thetas


def one_euro(points: Points, seen: list[Sighting]) -> np.ndarray:
    """Returns θ of the frames after the One-Euro filter."""
    thetas, size = unfiltered(seen), seen[0].size

    def share(cut_off):
        return 1 / (1 + RATE / (2 * np.pi * cut_off))

    kept, velocities = thetas[0].copy(), [0.0, 0.0]
    results = [kept.copy()]
    for before, theta in itertools.pairwise(thetas):
        mixed = theta.copy()
        mixed[:6] = before[:6]  # only the coefficients move
        moves = points(theta) - points(before), points(theta) - points(mixed)
        weights = []
        for kind, move in enumerate((moves[0], points(mixed) - points(before))):
            velocity = 100 * RATE * move[17:] / size
            velocities[kind] += share(SPEED_CUT_OFF) * (velocity - velocities[kind])
            speed = float(np.sqrt((velocities[kind] ** 2).sum(axis=-1).mean()))
            weights.append(share(CUT_OFF + GROWTH * speed))
        turn = Rotation.from_rotvec(kept[:3])
        step = (turn.inv() * Rotation.from_rotvec(theta[:3])).as_rotvec()
        kept[3:6] += weights[0] * (theta[3:6] - kept[3:6])
        kept[6:] += weights[1] * (theta[6:] - kept[6:])
        kept[:3] = (turn * Rotation.from_rotvec(weights[0] * step)).as_rotvec()
        results.append(kept.copy())
    return np.stack(results)


def jitter(landmarks: np.ndarray) -> np.ndarray:
    """Returns the jitter of the frames `(F - 2,)` in %, of landmarks `(F, 68, 2)`."""
    size = np.sqrt(np.prod(np.ptp(landmarks, axis=1), axis=-1))[1:-1]
    second = np.diff(landmarks[:, 17:], 2, axis=0)
    return 100 * np.sqrt((second**2).sum(axis=-1).mean(axis=-1)) / size


def lag(before: np.ndarray, after: np.ndarray) -> float:
    """Returns by how many frames a curve `(F,)` comes later than another one."""
    places, inner = np.arange(len(before)), slice(5, -5)
    shifts = np.arange(-2, 4.01, 0.05)
    costs = [((after - np.interp(places - s, places, before))[inner] ** 2).sum() for s in shifts]
    return round(float(shifts[int(np.argmin(costs))]), 2)


def yaws(thetas: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(thetas[:, :3]).as_matrix()[:, 0, 2]


def followed(normaliser: Normaliser, video: Path) -> tuple[list[Sighting], np.ndarray]:
    """Returns the first face of a video in each frame, and its landmarks frame by frame alone."""
    tracker = FaceTracker(normaliser._fitter, normaliser.detector)
    seen, alone = [], []
    for time, image in VideoFile(video):
        faces = tracker(image, time)
        found = normaliser(image)
        if 1 in faces and found:
            seen.append(faces[1])
            alone.append(found[0].landmarks())
    return seen, np.array(alone)


def clips(normaliser: Normaliser, folder: Path) -> list[tuple[list[Sighting], np.ndarray]]:
    """Returns the faces of each clip's frames, and their labels `(3, 68, 2)`."""
    faces, groups = read_faces([folder]), defaultdict(list)
    for number, path in enumerate(faces.paths):
        groups[Path(path).stem[:-1]].append(number)
    result = []
    for numbers in groups.values():
        seen, labels = [], faces.landmarks[numbers, :68, :2].astype(float)
        for number, points in zip(numbers, labels, strict=True):
            image = read_photograph(faces.paths[number], upright=False)
            size = normaliser.image_size
            place = FacesInPhotographs.in_boxes(framing.tight_box(points)[None], size)
            seen += sightings(place, normaliser.fit(place.crops([image], size)))
        result.append((seen, labels))
    return result


def error(points: Points, filtered: Filter, labelled: list) -> float:
    """Returns the mean error of the clips' inner landmarks in %, which do not slide."""
    errors = []
    for seen, labels in labelled:
        found = np.stack([points(theta) for theta in filtered(seen)])[:, 17:]
        size = np.sqrt(np.prod(np.ptp(labels, axis=1), axis=-1))
        errors += (np.linalg.norm(found - labels[:, 17:], axis=-1).mean(axis=1) / size).tolist()
    return round(100 * float(np.mean(errors)), 3)


def main():
    """Measures every way on every video and on the labelled frames."""
    parser = experiment_parser(__doc__)
    parser.add_argument("videos", type=Path, nargs="+")
    parser.add_argument("--frames", type=Path, required=True, help="folder of labelled frames")
    arguments = parser.parse_args()
    normaliser = Normaliser.pretrained()
    points, smoothing = Points(normaliser.grid_model), Smoothing(normaliser.grid_model)
    filters: dict[str, Filter] = {
        "followed": unfiltered,
        "One-Euro": lambda seen: one_euro(points, seen),
        "smoothed": lambda seen: smoothed(smoothing, seen),
    }
    labelled = clips(normaliser, arguments.frames)
    rows: dict[str, dict] = {"each frame alone": {}, **{name: {} for name in filters}}
    collected = defaultdict(list)
    for video in arguments.videos:
        seen, alone = followed(normaliser, video)
        raw = unfiltered(seen)
        for name in rows:
            thetas = filters[name](seen) if name in filters else raw
            landmarks = np.stack([points(theta) for theta in thetas]) if name in filters else alone
            of_frames = jitter(landmarks)
            collected[name].append(of_frames)
            rows[name][video.stem] = {
                "jitter": round(float(np.median(of_frames)), 2),
                "lag": lag(yaws(raw), yaws(thetas)) if name in filters else None,
            }
    for name, row in rows.items():
        row["all"] = round(float(np.median(np.concatenate(collected[name]))), 2)
        row["error"] = error(points, filters[name], labelled) if name in filters else None
        print(name, row)
    write_results(results_file("video_smoothing.json", arguments.record), rows)


if __name__ == "__main__":
    main()
