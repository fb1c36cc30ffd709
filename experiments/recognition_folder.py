"""Do the networks of `recognition.py` tell the people of other photographs apart?

python experiments/recognition_folder.py FOLDER --learnt FACES/youtube/train [--run RUN]
    [--pairs pairs.txt] [--record]

FOLDER has a folder of photographs for each person, like LFW; the face nearest the middle is used.
RUN is the folder that `recognition.py` wrote: its networks with all people are tried beside the
package's descriptor; without it, only the descriptor. The pairs are those of a file in LFW's format
(`name 1 2` for one person, `name 1 other 2` for two), otherwise as many of two people as there are
of one, at most 4,000 of each. Photographs without a face are in no pair, and neither are people of
the training data set: YouTube Faces and LFW have people in common, with the same names.
"""

import csv
from pathlib import Path

import keras
import numpy as np
from experiment import experiment_parser, results_file, write_results
from recognition_faces import SIZE, pictures_of, template_of
from recognition_tables import cosines, drawn_pairs, rates
from recognition_training import INPUTS, Run, descriptors_of

from keras_3dmmstn import Normaliser
from keras_3dmmstn.inference.central_face import PHOTOGRAPHS, NoFaceError, central_face_of_file

TRIED, SEEDS = ("crop", "aligned", "texture", "texture and mask"), (0, 1, 2)
BUNDLED = "the package's descriptor"


def read_pairs(path: Path, names: list[tuple[str, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Reads pairs in LFW's form.

    Args:
        path: the file.
        names: person and number of each photograph.

    Returns:
        `(pairs, 2)` numbers of photographs and `(pairs,)` whether they show one person; pairs of
        photographs that are not there are left out.

    Raises:
        ValueError: if it is no such file.
    """
    places, pairs, same = {name: place for place, name in enumerate(names)}, [], []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: expected pairs in LFW's form: {error}.") from error
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if len(fields) not in (3, 4):
            continue  # how many pairs there are
        try:
            first, second = (fields[0], int(fields[1])), (fields[-2], int(fields[-1]))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: expected a pair: {error}.") from error
        if len(fields) == 3:
            second = (fields[0], second[1])
        if first in places and second in places:
            pairs.append((places[first], places[second]))
            same.append(len(fields) == 3)
    return np.array(pairs).reshape(-1, 2), np.array(same, bool)


def subjects_of(folder: Path) -> set[str]:
    """Returns the people of a data set, by its landmarks.csv."""
    with (folder / "landmarks.csv").open(newline="", encoding="utf-8") as file:
        return {row["subject"] for row in csv.DictReader(file)}


def pictures_of_folder(
    folder: Path, left_out: set[str]
) -> tuple[dict[str, np.ndarray], list[tuple[str, int]]]:
    """Returns what networks see of the faces of a folder, by name, and whose they are."""
    normaliser = Normaliser.from_preset("compact", texture_size=SIZE)
    template = template_of(normaliser.grid_model)
    seen, descriptors, names = [], [], []
    for path in sorted(p for p in folder.glob("*/*") if p.suffix.lower() in PHOTOGRAPHS):
        if path.parent.name in left_out:
            continue
        try:
            photograph, face = central_face_of_file(normaliser, path)
        except NoFaceError:
            print(f"{path}: no face", flush=True)
            continue
        seen.append(pictures_of(photograph, face, template, normaliser.image_size))
        descriptors.append(normaliser.describe(photograph, [face.box], [face.roll])[0])
        number = path.stem.rpartition("_")[2]
        names.append((path.parent.name, int(number) if number.isdigit() else len(names)))
    needed = {name for tried in TRIED for name in INPUTS[tried]}
    pictures = {name: np.stack([one[name] for one in seen]) for name in sorted(needed)}
    return pictures | {BUNDLED: np.stack(descriptors)}, names


def main():
    """Prepares the faces, tries the networks and prints how often they err."""
    parser = experiment_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--learnt", type=Path, required=True, help="folder of youtube/train")
    parser.add_argument("--run", type=Path, help="folder that recognition.py wrote")
    parser.add_argument("--pairs", type=Path, help="pairs.txt of LFW")
    options = parser.parse_args()
    pictures, names = pictures_of_folder(options.folder, subjects_of(options.learnt))
    if options.pairs:
        pairs, same = read_pairs(options.pairs, names)
    else:
        person = np.unique([name for name, _ in names], return_inverse=True)[1]
        pairs, same = drawn_pairs(person)
    print(f"{len(names)} photographs, {same.sum()} pairs of one person, {(~same).sum()} of two")
    found = {BUNDLED: [rates(cosines(pictures[BUNDLED], pairs), same)]}
    for name in TRIED if options.run else ():
        for seed in SEEDS:
            file = options.run / "networks" / f"{Run(name, 1.0, seed).name}.keras"
            if file.exists():
                model = keras.models.load_model(file, compile=False)
                channels = np.concatenate([pictures[channel] for channel in INPUTS[name]], axis=-1)
                score = cosines(descriptors_of(model, channels).astype(np.float32), pairs)
                found.setdefault(name, []).append(rates(score, same))
    print(f"{'':28}    EER    AUC  accuracy (%; mean of the seeds)")
    for name, some in found.items():
        means = [np.mean([one[rate] for one in some]) for rate in ("eer", "auc", "accuracy")]
        print(f"{name:28}" + "".join(f"{mean:7.1f}" for mean in means))
    out = results_file("recognition_folder.json", options.record)
    record = {"photographs": len(names), "pairs": len(pairs), "rates": found}
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
