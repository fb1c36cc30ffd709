"""Does normalising faces let a small network learn to tell people apart from fewer photographs?

python experiments/recognition.py FACES --run RUN [--minutes 150] [--record]

Trains the same small network on each of several inputs, shares of the people and seeds, and
verifies people who were not trained on: those of the seventh fold of CFP's protocols, and of
YouTube Faces. Some inputs are also trained for each of the other folds. RUN and the results file
keep what is done: to continue, repeat the command, or run it in several processes, each with its
own `--seeds`. After `--minutes`, nothing new is started.
"""

import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path

import keras
import numpy as np
from experiment import experiment_parser, read_results, results_file, write_results
from recognition_faces import (
    CFP_FOLDS,
    NUMBERS,
    PICTURES,
    SIZE,
    TEST,
    TRAINING,
    VALIDATION,
    People,
    PreparedFaces,
    prepare,
    read_people,
)
from recognition_tables import as_tables, discriminant, measured, shape_alone
from recognition_training import INPUTS, Run, descriptors, people_of, trained

from keras_3dmmstn import GridModel, Normaliser
from keras_3dmmstn.recognition import FaceDescriptor

SHARES, SEEDS = (1.0, 0.5, 0.25, 0.1), (0, 1, 2)
# What is trained for all folds, with all other people and the first seed.
OF_ALL_FOLDS = ("crop", "texture and mask")
# The network that comes with the package is one of these: the best on other people.
BUNDLED = [Run("texture and mask", 1.0, seed) for seed in SEEDS]


def main():
    """Prepares, trains what is not yet trained, and prints the tables."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path, help="folder with cfp and youtube")
    parser.add_argument("--run", type=Path, default=Path("build/recognition"))
    parser.add_argument("--inputs", nargs="+", default=list(INPUTS), choices=INPUTS)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--folds", type=int, nargs="+", default=range(1, CFP_FOLDS + 1))
    parser.add_argument("--minutes", type=float, default=150)
    parser.add_argument("--bundle", type=Path, help="folder for the best network, as a descriptor")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    folder, people = options.run / "faces", read_people(options.faces)
    if not all((folder / f"{name}.npy").exists() for name in (*PICTURES, *NUMBERS)):
        prepare(people, Normaliser.from_preset("compact", texture_size=SIZE), folder)
    faces = PreparedFaces(folder, people)
    path = results_file("recognition.json", options.record)
    recorded = {_run(one).name: one for one in read_results(path).get("networks", ())}
    for run in _runs(options):
        if run.name in recorded or time.monotonic() > end:
            continue
        if run.fold == CFP_FOLDS:
            _do(run, faces, people, options.run)
        else:
            others = read_people(options.faces, run.fold)
            _do(run, PreparedFaces(folder, others), others, options.run)
    for file in (options.run / "results").glob("*.json"):
        recorded[file.stem] = read_results(file)
    results = {
        "networks": [recorded[name] for name in sorted(recorded)],
        "shape": shape_alone(faces, people, GridModel.bundled()),
    }
    print(as_tables(results))
    write_results(path, results)
    print(path)
    if options.bundle:
        _bundle(faces, options.run, options.bundle)


def _bundle(faces: PreparedFaces, run: Path, folder: Path) -> None:
    """Writes one network of the table with the shape beside it, as a `FaceDescriptor`."""
    files = [run / "results" / f"{one.name}.json" for one in BUNDLED]
    results = {file.stem: read_results(file) for file in files if file.exists()}
    name = min(results, key=lambda name: results[name]["eer_of_others"])
    classifier = keras.models.load_model(run / "networks" / f"{name}.keras", compile=False)
    learnt = faces.role == TRAINING
    identity = faces.identity[learnt]
    directions = discriminant(identity, faces.person[learnt])
    network = classifier.get_layer("descriptor")
    weight = results[name]["weight"]
    FaceDescriptor(network, identity.mean(axis=0), directions, weight).save(folder)
    print(f"{folder}: {name}")


def _runs(options) -> Iterator[Run]:
    """Yields what is asked for: the table, then the other folds."""
    for seed, share, name in product(options.seeds, options.shares, options.inputs):
        yield Run(name, share, seed)
    for fold, name in product(options.folds, OF_ALL_FOLDS):
        if name in options.inputs:
            yield Run(name, 1.0, 0, fold)


def _run(result) -> Run:
    """Returns what a result is of."""
    return Run(result["input"], result["share"], result["seed"], result.get("fold", CFP_FOLDS))


def _do(run: Run, faces: PreparedFaces, people: People, folder: Path) -> None:
    """Trains and measures one network, unless that is done."""
    path = folder / "results" / f"{run.name}.json"
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    model = trained(run, faces, folder / "networks")
    chosen = np.flatnonzero(np.isin(faces.role, (VALIDATION, TEST)))
    described = descriptors(model, run, faces, chosen)
    everyone = np.zeros((len(faces.role), described.shape[1]), np.float16)
    everyone[chosen] = described
    found = measured(everyone, faces, people, people_of(run, faces))
    seconds = round(time.monotonic() - began)
    write_results(path, asdict(run) | {"seconds": seconds} | found)
    rates = " ".join(f"{r['eer']:.1f}" for r in found["alone"].values())
    print(f"{run.name}: {seconds} s, EER {rates} %", flush=True)


if __name__ == "__main__":
    main()
