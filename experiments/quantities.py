"""How well do open mouths, closed eyes and sharpness of a face agree with labels and with blur?

python experiments/quantities.py FACES [--out SHEETS] [--record]

By the labels of 300-W, a mouth is open if the mean gap of its inner lips is more than 5 % of its
width, and an eye is closed if that of its lids is less than 15 % of its width. It prints how well
the measurements of `NormalisedFace.quantities` tell these apart (the area under the ROC curve), and
how often the answer is right at the threshold, on the photographs that taught the network (Helen,
LFPW) and on others (AFW), with openings of the fitted face from its front, as used, and of its
points in the photograph. Then 60 photographs of AFW are blurred, enlarged and darkened: it prints
the median sharpness, and how often a random photograph is sharper than another that was changed in
this way; beside it the same for the relative gradient energy of textures of 128 texels, which is
not used. With --out it draws sheets of faces in the order of the measurements.
"""

from pathlib import Path

import cv2
import numpy as np
from experiment import experiment_parser, results_file, write_results
from rich.progress import track

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.fusion.sharpness import gradient_energy
from keras_3dmmstn.inference.photograph import read_photograph, warp
from keras_3dmmstn.inference.quantities.face_quantities import seen_texture
from keras_3dmmstn.inference.quantities.openings import (
    EYE_CLOSED,
    MOUTH_OPEN,
    eye_openings,
    mouth_opening,
)
from keras_3dmmstn.mesh.finer_grid import interpolate_grid
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

LABELLED_OPEN, LABELLED_CLOSED = 0.05, 0.15
TAUGHT, OTHERS = ("300w/helen/trainset", "300w/lfpw/trainset"), ("300w/afw",)
PHOTOGRAPHS, COLUMNS, TILE = 60, 5, 160
BLURS, SIZES = (0.5, 1, 2, 4), (0.33, 0.5, 2, 4)


def openings(points):
    """Mouth, left and right eye of points `(68, 2)`, by distances, however the head is turned."""
    gaps = []
    for corners, pairs in (
        ((48, 54), ((61, 67), (62, 66), (63, 65))),
        ((36, 39), ((37, 41), (38, 40))),
        ((42, 45), ((43, 47), (44, 46))),
    ):
        gap = np.mean([np.linalg.norm(points[a] - points[b]) for a, b in pairs])
        gaps.append(gap / np.linalg.norm(points[corners[0]] - points[corners[1]]))
    return gaps


def measured(normaliser, folders):
    """What labels and faces say: labelled, front and in the photograph `(n, 3)`; quantities."""
    labelled, front, photograph, all_quantities, paths = [], [], [], [], []
    for folder in folders:
        faces = read_faces(folder)
        points = faces.landmarks[:, :68, :2].astype(float)
        boxes = [[framing.tight_box(label)] for label in points]
        stream = normaliser.stream(list(faces.paths), boxes)
        for label, path, one in track(zip(points, faces.paths, stream, strict=True), str(folder),
                                      len(points)):  # fmt: skip
            (face,) = one.faces
            shape = face.vertices[face.landmark_indices["ibug68"]]
            labelled.append(openings(label))
            front.append([mouth_opening(shape), *eye_openings(shape)])
            photograph.append(openings(face.landmarks()))
            all_quantities.append(face.quantities())
            paths.append((path, framing.tight_box(label)))
    return *map(np.array, (labelled, front, photograph)), all_quantities, paths


def area(scores, positive):
    """The area under the ROC curve: how often a positive scores more than a negative."""
    ranks = np.argsort(np.argsort(scores)) + 1
    count = positive.sum()
    return float(
        (ranks[positive].sum() - count * (count + 1) / 2) / count / (len(positive) - count)
    )


def agreement(labelled, scores, is_mouth):
    """Returns how well openings `(n,)` agree with labels."""
    truth = labelled > LABELLED_OPEN if is_mouth else labelled < LABELLED_CLOSED
    said = scores > MOUTH_OPEN if is_mouth else scores < EYE_CLOSED
    return {
        "positive": int(truth.sum()), "of": len(truth),
        "area": area(scores if is_mouth else -scores, truth),
        "found": float(said[truth].mean()), "false": float(said[~truth].mean()),
        "right": float((said == truth).mean()), "correlation":
        float(np.corrcoef(labelled, scores)[0, 1]),
    }  # fmt: skip


def print_openings(labelled, front, photograph, yaws):
    """Prints and returns the agreement of mouths and eyes."""
    record = {}
    for name, chosen in (("all", yaws < 90), ("turned by up to 15°", yaws <= 15)):
        for kind, scores in (("from its front", front), ("in the photograph", photograph)):
            one, two = labelled[chosen], scores[chosen]
            for part, columns in (("mouth open", [0]), ("eye closed", [1, 2])):
                row = agreement(one[:, columns].ravel(), two[:, columns].ravel(), columns == [0])
                record[f"{name}, {kind}, {part}"] = row
                print(
                    f"  {name}, {kind}, {part}: {row['positive']} of {row['of']} by the labels; "
                    f"area {row['area']:.3f}; found {row['found']:.1%}, falsely "
                    f"{row['false']:.1%}, right {row['right']:.1%}; correlation "
                    f"{row['correlation']:.2f}"
                )
    return record


def sharpness_of_changes(normaliser, paths):
    """Prints and returns sharpness and gradient energy of photographs that are changed."""
    values: dict[str, list] = {}
    for number in track(np.random.default_rng(0).permutation(len(paths))[:PHOTOGRAPHS], "blurred"):
        path, box = paths[number]
        image = read_photograph(path, upright=False)
        (face,) = normaliser(image, [box])
        side = np.sqrt(np.prod(box[2:] - box[:2]))
        changed = {"as it is": (image, 1.0), "half the contrast": (image // 2 + 64, 1.0)}
        changed |= {f"blurred by {b} %": (cv2.GaussianBlur(image, (0, 0), b / 100 * side), 1.0)
                    for b in BLURS}  # fmt: skip
        for size in SIZES:
            how = cv2.INTER_AREA if size < 1 else cv2.INTER_CUBIC
            small = cv2.resize(image, None, fx=size, fy=size, interpolation=how)
            changed[f"{size} times as large"] = small, size
        for name, (picture, size) in changed.items():
            (other,) = normaliser(picture, [(box + 0.5) * size - 0.5])
            grid = other.points.reshape(*other.grid_shape, 2)
            texture, mask = seen_texture(other.photograph, grid, other.visible.reshape(
                other.grid_shape))  # fmt: skip
            surface = interpolate_grid(face.vertices.reshape(*face.grid_shape, 3), mask.shape)
            energy = gradient_energy(texture, mask, surface).relative_energy
            values.setdefault(name, []).append((other.quantities().sharpness, energy))
    record, plain = {}, np.array(values["as it is"])
    for name, pairs in values.items():
        more = [(plain[:, None, k] > np.array(pairs)[None, :, k]).mean() for k in (0, 1)]
        record[name] = {"median": float(np.median(np.array(pairs)[:, 0])), "sharper": more}
        print(f"  {name}: sharpness {record[name]['median']:.2f}; another is sharper "
              f"{more[0]:.0%} (gradient energy {more[1]:.0%})")  # fmt: skip
    return record


def draw_sheets(folder, quantities, paths):
    """Draws 20 faces, from the least to the most, of some quantities."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mouth_opening", "left_eye_opening", "sharpness", "brightness",
                 "light_difference"):  # fmt: skip
        known = [n for n, q in enumerate(quantities) if getattr(q, name) is not None]
        order = sorted(known, key=lambda n, name=name: getattr(quantities[n], name))
        tiles = []
        for number in np.array(order)[np.linspace(0, len(order) - 1, 20).astype(int)]:
            path, box = paths[number]
            tile = warp(read_photograph(path, upright=False), framing.crop_matrix(box, TILE), TILE)
            tile = np.ascontiguousarray(tile)
            text = f"{getattr(quantities[number], name):.2f}"
            cv2.putText(tile, text, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0), 1)
            tiles.append(tile)
        rows = [np.concatenate(tiles[k : k + COLUMNS], 1) for k in range(0, 20, COLUMNS)]
        cv2.imwrite(str(folder / f"{name}.png"), np.concatenate(rows)[..., ::-1])


def main():
    """Measures, prints, draws and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--out", type=Path, help="folder for the sheets")
    arguments = parser.parse_args()
    normaliser, record = Normaliser.pretrained(), {}
    for name, folders in (("Helen and LFPW", TAUGHT), ("AFW", OTHERS)):
        *points, quantities, paths = measured(normaliser, [arguments.faces / f for f in folders])
        print(name, flush=True)
        record[name] = print_openings(*points, np.array([abs(q.yaw) for q in quantities]))
    record["sharpness"] = sharpness_of_changes(normaliser, paths)
    if arguments.out:
        draw_sheets(arguments.out, quantities, paths)
    out = results_file("quantities.json", arguments.record)
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
