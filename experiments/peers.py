"""How far off our landmarks are, and those of MediaPipe's Face Mesh, on the same photographs.

python experiments/peers.py FACES --mediapipe WHEEL [--weights RUN] [--record]

FACES contains `300w`, `youtube`, `aflw` and `cfp`. Our network sees each face in the tight box of
its labels. The mesh sees it in its own kind of frame, first from our landmarks, then from its own,
as when it follows a face from picture to picture. It is measured raw, by its vertices next to the
68 points, and with a constant offset of each landmark subtracted. The offsets are learnt on the
training photographs of 300-W (those of AFLW's points on AFLW's), in its frame and in sides √(w h)
of its box.

It prints the mean error over the faces in % of √(w h), for all points and for the inner ones,
without the jaw. CFP's profiles are measured without the points of the jawbone.
"""

from pathlib import Path

import numpy as np
from experiment import experiment_parser, results_file, write_results
from face_mesh import NEAREST, FaceMesh
from rich.progress import track

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph
from keras_3dmmstn.mesh.landmark_sets import IBUG68_COUNT, JAW_POINTS
from keras_3dmmstn.network.framing import apply_similarity, tight_box
from keras_3dmmstn.training.data.faces import LabelledFaces, read_faces
from keras_3dmmstn.training.data.labelled_faces import held_out
from keras_3dmmstn.training.data.subject_ranges import of_subjects
from keras_3dmmstn.training.evaluation.measurement import LEAST_CONFIDENCE

HAND = ("300w/helen/trainset", "300w/lfpw/trainset")
OFFSETS_FROM = 600  # faces: an offset is a mean


def data_sets(folder: Path) -> dict[str, LabelledFaces]:
    """Returns the photographs that nothing was trained on."""
    cfp, aflw = read_faces(folder / "cfp"), read_faces(folder / "aflw")
    return {
        "300-W AFW": read_faces(folder / "300w/afw"),
        "YouTube Faces val": read_faces(folder / "youtube/val"),
        "CFP profiles 301-350": cfp.choose(of_subjects(cfp, "301-350")),
        "AFLW, one in five": aflw.choose(held_out(aflw, 5)),
    }


class Ours:
    """The landmarks of a normaliser, framed by the labels."""

    def __init__(self, normaliser: Normaliser):
        self._normaliser = normaliser

    def __call__(self, photograph: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Returns `(89, 2)` landmarks in pixels of the photograph."""
        (face,) = self._normaliser(photograph, [box])
        return np.concatenate([face.landmarks("ibug68"), face.landmarks("aflw21")])


class Mesh:
    """The landmarks of Face Mesh, framed by the labels; its frame starts from our landmarks.

    Args:
        mesh: the mesh.
        normaliser: gives the first frame's place and turn.
        offsets: `(89, 2)` in sides √(w h) of the mesh's own points, in its frame; None: raw.
    """

    def __init__(self, mesh: FaceMesh, normaliser: Normaliser, offsets: np.ndarray | None = None):
        self._mesh, self._normaliser, self._offsets = mesh, normaliser, offsets

    def in_its_frame(self, photograph, box):
        """Returns `(89, 2)` landmarks in the square of the mesh, and the matrix to it."""
        (face,) = self._normaliser(photograph, [box])
        vertices, matrix, _ = self._mesh(photograph, face.landmarks())
        points = vertices[NEAREST, :2]
        return np.concatenate([points, of_aflw(points, vertices[:, :2])]), matrix

    def __call__(self, photograph: np.ndarray, box: np.ndarray) -> np.ndarray:
        """Returns `(89, 2)` landmarks in pixels of the photograph."""
        points, matrix = self.in_its_frame(photograph, box)
        if self._offsets is not None:
            points = points + self._offsets * size_of(points[:IBUG68_COUNT])
        inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        return apply_similarity(inverse, points)


def of_aflw(points: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Returns the 21 points of AFLW `(21, 2)`, of 68 points and, for the ears, of vertices."""
    parts = [[17], [19], [21], [22], [24], [26]]
    parts += [[36], range(36, 42), [39], [42], range(42, 48), [45]]
    ears = vertices[[234, 454]]
    middle = [np.mean(points[list(part)], axis=0) for part in parts]
    rest = [[31], [30], [35], [48], [62, 66], [54], [8]]
    nose_and_mouth = [np.mean(points[list(part)], axis=0) for part in rest]
    left_ear, right_ear = ears
    nose = [left_ear, *nose_and_mouth[:3], right_ear]
    return np.array([*middle, *nose, *nose_and_mouth[3:]])


def size_of(points: np.ndarray) -> float:
    """Returns √(w h) of the tight box of points."""
    return float(np.sqrt(np.ptp(points, axis=0).prod()))


def learnt_offsets(mesh: Mesh, faces: LabelledFaces) -> np.ndarray:
    """Returns the mean of label minus mesh `(89, 2)`, in sides of the mesh's box, in its frame."""
    chosen = np.random.default_rng(0).permutation(len(faces))[:OFFSETS_FROM]
    differences = np.full((len(chosen), *faces.landmarks.shape[1:2], 2), np.nan)
    for row, number in enumerate(track(chosen, "Offsets")):
        labels = faces.landmarks[number]
        known = labels[:, 2] > 0
        photograph = read_photograph(faces.paths[number], upright=False)
        points, matrix = mesh.in_its_frame(photograph, tight_box(labels[known, :2].astype(float)))
        off = apply_similarity(matrix, labels[:, :2].astype(float)) - points
        differences[row, known] = off[known] / size_of(points[:IBUG68_COUNT])
    with np.errstate(invalid="ignore"):
        mean = np.nansum(differences, axis=0) / np.isfinite(differences).sum(axis=0)
    return np.nan_to_num(mean)


def errors(predict, faces: LabelledFaces, name: str) -> np.ndarray:
    """Returns errors `(n, 89)` in % of √(w h), NaN where nothing is labelled."""
    result = np.full(faces.landmarks.shape[:2], np.nan)
    for number in track(range(len(faces)), name):
        labels = faces.landmarks[number]
        known, counted = labels[:, 2] > 0, labels[:, 2] >= LEAST_CONFIDENCE
        points = labels[:, :2].astype(float)
        photograph = read_photograph(faces.paths[number], upright=False)
        box = tight_box(points[known])
        distance = np.linalg.norm(predict(photograph, box) - points, axis=1)
        result[number, counted] = 100 * distance[counted] / size_of(points[known])
    return result


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--mediapipe", type=Path, help="the wheel's folder `mediapipe`")
    parser.add_argument(
        "--weights", type=Path, help="folder of weights; the bundled ones if absent"
    )
    arguments = parser.parse_args()
    bundled = Normaliser.pretrained()
    ours = Normaliser.load(arguments.weights) if arguments.weights else bundled
    network = FaceMesh(arguments.mediapipe)
    raw = Mesh(network, bundled)
    aflw = read_faces(arguments.faces / "aflw")
    by_hand = read_faces([arguments.faces / name for name in HAND])
    offsets = learnt_offsets(raw, by_hand)
    offsets[IBUG68_COUNT:] = learnt_offsets(raw, aflw.choose(~held_out(aflw, 5)))[IBUG68_COUNT:]
    methods = {
        "ours": Ours(ours),
        "Face Mesh": raw,
        "Face Mesh, offsets removed": Mesh(network, bundled, offsets),
    }
    rows = {}
    for data, faces in data_sets(arguments.faces).items():
        for name, predict in methods.items():
            off = errors(predict, faces, f"{data}: {name}")
            inner = off[:, JAW_POINTS:]
            both = [float(np.nanmean(np.nanmean(part, axis=1))) for part in (off, inner)]
            rows.setdefault(data, {})[name] = both
            print(f"{data}: {name}: {both[0]:.2f} / {both[1]:.2f}", flush=True)
    out = results_file("peers.json", arguments.record)
    write_results(out, rows)
    print(out)


if __name__ == "__main__":
    main()
