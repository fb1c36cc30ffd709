"""How good textures are: labels in them, people in them, background in them.

python experiments/textures.py FACES [--weights FOLDER] [--name NAME] [--photographs N]
    [--folds 3] [--pairs 1500] [--parts layout labels cfp youtube lfw] [--record]

FACES is a folder with `300w/afw`, `youtube/val`, `cfp` and `lfw`. The results of the weights are
written under NAME, beside those that the file has under other names. The parts are:

layout: widths and areas of the features in the texture, from the face model alone.
labels: on `300w/afw`, whose 68 points were placed by hand, where labels fall in the texture and how
    far they scatter there, at 224 (`label_dispersion`), and how much of a texture is background
    (`texture_background`). A label counts if a visible place of the fitted grid is within 5 % of
    √(w·h) of the labels' tight box.
cfp, youtube, lfw: how different the textures of one person are, and how well their correlation
    tells people apart, beside that of plain crops (`texture_pairs`).
"""

import time
from pathlib import Path

import numpy as np
from experiment import experiment_parser, read_results, results_file, write_results
from identity_pairs import read_cfp, read_lfw, read_youtube
from label_dispersion import dispersion, dispersion_lines, group_means, nearest_places
from texture_background import YAW_BINS, background, yaw_bin_name
from texture_faces import fitted_photographs, surface_of, texel_areas
from texture_people import measure_pairs

from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.mesh.feature_layout import feature_layout
from keras_3dmmstn.network import framing
from keras_3dmmstn.training.data.faces import read_faces

LABEL_SIZE = 224  # texels along a side
LARGEST_DISTANCE = 0.05  # of a label to the face, in √(w h)
PARTS = ("layout", "labels", "cfp", "youtube", "lfw")


def measure_layout(model) -> dict:
    """Measures and prints widths and areas of the features."""
    layout = feature_layout(model)
    result = {
        "widths": {
            name: {"texture": t, "face": f, "ratio": t / f}
            for name, (t, f) in layout.widths.items()
        },
        "cell_areas": layout.cell_areas,
        "median_area": layout.median_area,
        "area_95": layout.area_95,
        "area_largest": layout.area_largest,
    }
    for name, width in result["widths"].items():
        print(
            f"{name}: {width['texture']:.3f} of the eye distance, {width['face']:.3f} on the face"
        )
    return result


def measure_labels(normaliser, folder: Path, photographs: int | None) -> dict:
    """Measures and prints where labels fall, and how much of the textures is background."""
    faces = read_faces(folder)
    labels = faces.landmarks[:photographs, :68, :2].astype(float)
    boxes = np.stack([framing.tight_box(points) for points in labels])
    areas, surface = (f(normaliser.grid_model, LABEL_SIZE) for f in (texel_areas, surface_of))
    places, shares, by_area, yaws = [], [], [], []
    fits = fitted_photographs(normaliser, faces.paths[: len(labels)], boxes, LABEL_SIZE)
    for number, _, face in fits:
        found, distances = nearest_places(face.points, face.mask, labels[number])
        far = ~(distances <= LARGEST_DISTANCE * np.sqrt(np.ptp(labels[number], axis=0).prod()))
        places.append(np.where(far[:, None], np.nan, found))
        is_background = background(face.points, labels[number]) & face.mask
        shares.append(is_background.sum() / face.mask.sum())
        by_area.append(areas[is_background].sum() / areas[face.mask].sum())
        yaws.append(face.yaw)
    described = dispersion(np.array(places), surface)
    result = {
        "photographs": len(places),
        "left_out": float(np.isnan(places)[..., 0].mean()),
        "points": described,
        "groups": group_means(described),
        "background": _background_rows(np.array(yaws), np.array(shares), np.array(by_area)),
    }
    print(f"{len(places)} photographs, {100 * result['left_out']:.2f} % of the labels left out")
    print(*dispersion_lines(result["groups"]), sep="\n")
    for first in range(0, 68, 10):
        row = [f"{point.get('rms', np.nan):6.2f}" for point in described[first : first + 10]]
        print(f"rms of {first:2d} ...:", *row)
    for name, row in result["background"].items():
        print(
            f"background, |yaw| {name}: {100 * row['texels']:.2f} % of the visible texels, "
            f"{100 * row['area']:.2f} % of the visible area ({row['photographs']} photographs)"
        )
    return result


def _background_rows(yaws, shares, by_area):
    """Returns the mean shares of background in each bin of yaw and in all."""
    bins = np.array([yaw_bin_name(yaw) for yaw in yaws])
    names = [yaw_bin_name(high) for _, high in YAW_BINS]
    chosen = {name: bins == name for name in names} | {"all": np.ones(len(bins), bool)}
    return {
        name: {
            "photographs": int(those.sum()),
            "texels": float(shares[those].mean()),
            "area": float(by_area[those].mean()),
        }
        for name, those in chosen.items()
        if those.any()
    }


def measure(part: str, normaliser, arguments) -> dict:
    """Measures one of `PARTS`."""
    faces, photographs, pairs = arguments.faces, arguments.photographs, arguments.pairs
    if part == "layout":
        return measure_layout(normaliser.grid_model)
    if part == "labels":
        return measure_labels(normaliser, faces / "300w/afw", photographs)
    if part == "cfp":
        people = read_cfp(faces / "cfp", arguments.folds)
    elif part == "youtube":
        people = read_youtube(faces / "youtube/val", pairs)
    else:
        people = read_lfw(faces / "lfw", pairs)
    return measure_pairs(normaliser, people, photographs)


def main():
    """Measures, prints and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of weights; default: the bundled ones")
    parser.add_argument("--name", default="bundled weights", help="what the results are called")
    parser.add_argument("--photographs", type=int, help="so many of each data set only")
    parser.add_argument("--folds", type=int, default=3, help="of CFP's protocol")
    parser.add_argument("--pairs", type=int, default=1500, help="of one person, of YouTube and LFW")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    weights = arguments.weights
    normaliser = Normaliser.load(weights) if weights else Normaliser.pretrained()
    out = results_file("textures.json", arguments.record)
    for part in arguments.parts:
        print(f"{part}:")
        start = time.process_time()
        measured = measure(part, normaliser, arguments)
        print(f"({time.process_time() - start:.0f} s of processor time)\n", flush=True)
        record = read_results(out)
        record.setdefault(arguments.name, {})[part] = measured
        write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
