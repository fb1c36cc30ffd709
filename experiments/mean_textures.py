"""How sharp the mean texture of a person's photographs is.

python experiments/mean_textures.py PERSONS [--weights FOLDER] [--boxes boxes.csv]
    [--texture-size 512] [--photographs N] [--name NAME] [--out PICTURES] [--record]

PERSONS contains one folder of photographs for each person, such as those of LFW. For each person it
prints the gradient energy (`gradient_energy`, along the surface of the mean face, so that neither
the size nor the layout of a texture matters) of three means: that of Figure 8 of the paper, from
textures of the grid's size; `mean_texture` without its alignment; and `mean_texture`. All are
scaled to one size, and only texels that half of the photographs see count. Beside it is the same
divided by the variance of brightness, so that contrast does not count. The results are written
under NAME, beside those that the file has under other names.
"""

from pathlib import Path

import cv2
import numpy as np
from experiment import experiment_parser, read_results, results_file, write_results
from texture_faces import surface_of

from keras_3dmmstn.drawing.figures import mean_texture_figure
from keras_3dmmstn.drawing.panels import encoded
from keras_3dmmstn.inference.box_table import read_boxes
from keras_3dmmstn.inference.central_face import PHOTOGRAPHS, central_face
from keras_3dmmstn.inference.fusion.mean_texture import mean_texture, plain_mean
from keras_3dmmstn.inference.fusion.sharpness import gradient_energy
from keras_3dmmstn.inference.normaliser import Normaliser
from keras_3dmmstn.inference.photograph import read_photograph

KINDS = ("Figure 8", "not aligned", "aligned")


def means_of(coarse, fine, paths, boxes):
    """Returns the means of `KINDS`, the texels that count, and the number of faces."""
    small, large = [], []
    for path in paths:
        photograph = read_photograph(path)
        try:
            face = central_face(coarse, photograph, boxes.box_of(path) if boxes else None)
        except ValueError as error:
            print(f"{path}: {error}")
            continue
        small.append(face)
        large += fine(photograph, face.box[None])
    mask = np.mean([face.mask for face in large], axis=0) >= 0.5
    figure = cv2.resize(plain_mean(small), mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    means = (figure, mean_texture(large, align=False), mean_texture(large))
    return dict(zip(KINDS, means, strict=True)), mask, len(large)


def main():
    """Measures, prints and writes the results, and the pictures if asked to."""
    parser = experiment_parser(__doc__)
    parser.add_argument("persons", type=Path)
    parser.add_argument("--weights", type=Path, help="folder of weights; default: the bundled ones")
    parser.add_argument("--boxes", type=Path, help="as of `keras-3dmmstn figure mean-texture`")
    parser.add_argument("--texture-size", type=int, default=512)
    parser.add_argument("--photographs", type=int, help="so many of each person only")
    parser.add_argument("--name", default="bundled weights", help="what the results are called")
    parser.add_argument("--out", type=Path, help="folder for sheets of the means, not committed")
    arguments = parser.parse_args()
    load = Normaliser.load if arguments.weights else Normaliser.pretrained
    given = [arguments.weights] if arguments.weights else []
    coarse, fine = load(*given), load(*given, texture_size=arguments.texture_size)
    boxes = read_boxes(arguments.boxes) if arguments.boxes else None
    surface = surface_of(fine.grid_model, arguments.texture_size)
    rows, sheets, counts = {}, {kind: {} for kind in KINDS}, {}
    print(f"{'':24}" + "".join(f"{kind:>22}" for kind in KINDS))
    for folder in sorted(arguments.persons.glob("*/")):
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in PHOTOGRAPHS)
        means, mask, count = means_of(coarse, fine, paths[: arguments.photographs], boxes)
        name, counts[folder.name] = folder.name, count
        energies = {kind: gradient_energy(m, mask, surface) for kind, m in means.items()}
        rows[name] = {"photographs": count} | {k: e._asdict() for k, e in energies.items()}
        cells = [f"{e.energy:12.2f} {e.relative_energy:.5f}" for e in energies.values()]
        print(f"{name:24}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
        for kind, mean in means.items():
            sheets[kind][name] = mean
    out = results_file("mean_textures.json", arguments.record)
    record = read_results(out)
    record[arguments.name] = {"texture_size": arguments.texture_size, "persons": rows}
    write_results(out, record)
    print(out)
    if arguments.out:
        _write_sheets(arguments.out, sheets, counts)


def _write_sheets(folder, sheets, counts):
    """Writes the means of each kind side by side."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, textures in sheets.items():
        path = folder / f"{kind.lower().replace(' ', '_')}.jpg"
        path.write_bytes(encoded(mean_texture_figure(textures, counts), path.suffix))
        print(path)


if __name__ == "__main__":
    main()
