"""Training the face model itself: what it does to the error, and how it moves the mesh.

python experiments/face_model_refinement.py FACES [--epochs 3] [--smoothness 20] [--record]

FACES as for `supervision.py`. The localiser keeps the bundled weights: only the mean and the basis
change. They are trained on the landmark distances of the photographs that the bundled weights were
trained on. So the face model alone explains any difference of the error.
"""

from pathlib import Path

import cv2
import keras
import numpy as np
from experiment import experiment_parser, results_file, write_results

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.framing import tight_box
from keras_3dmmstn.network.losses import LandmarkDistanceLoss
from keras_3dmmstn.network.model import spatial_transformer
from keras_3dmmstn.network.refinement import refined_grid_model
from keras_3dmmstn.network.reflection import with_reflections
from keras_3dmmstn.training.config import with_settings
from keras_3dmmstn.training.data.batches import evaluation_batches
from keras_3dmmstn.training.data.crops import cut_faces
from keras_3dmmstn.training.data.faces import read_faces
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET
from keras_3dmmstn.training.evaluation.error_measures import face_errors, relative_errors
from keras_3dmmstn.training.recipes import recipe
from keras_3dmmstn.version import versions

TRAINED_ON = ("300w/helen/trainset", "300w/lfpw/trainset", "youtube/train")
MEASURED_ON = ("300w/afw", "youtube/val")
SIDE = 140  # pixels, of the network's input
BATCH = 128
LEARNING_RATE = 0.02  # millimetres, about what a vertex moves in a step; falls to 0


def network(grid_model: GridModel) -> keras.Model:
    """Returns the network with the bundled weights."""
    return spatial_transformer(
        grid_model, image_size=SIDE, landmarks=LANDMARK_SET, weights="pretrained"
    )


def parameters_and_labels(model, faces: Path, names, reflected=False):
    """Returns θ `(n, 6 + D)` of photographs and their landmarks `(n, 89, 3)`, in pixels."""
    crops = cut_faces(read_faces([faces / name for name in names]), size=round(1.5 * SIDE))
    batches = evaluation_batches(crops, with_settings(recipe("compact"), {"image_size": SIDE}))
    if reflected:
        batches = batches.map(lambda image, labels: with_reflections(image, labels, LANDMARK_SET))
    localiser, parameters, landmarks = model.get_layer("localiser"), [], []
    for images, labels in batches:
        parameters.append(localiser.predict_on_batch(images))
        landmarks.append(labels["landmarks"].numpy())
    return np.concatenate(parameters), np.concatenate(landmarks)


def refine(geometry: keras.Model, parameters, landmarks, epochs: int) -> None:
    """Trains what is trainable behind the localiser."""
    steps = epochs * (len(parameters) // BATCH)
    schedule = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    geometry.compile(keras.optimizers.Adam(schedule), LandmarkDistanceLoss())
    geometry.fit(parameters, landmarks, batch_size=BATCH, epochs=epochs, verbose=0)


def errors(geometry: keras.Model, parameters, landmarks) -> dict[str, float]:
    """Returns mean errors over the 68 points and the inner ones, in % of sqrt(w·h)."""
    predicted = geometry.predict(parameters, batch_size=BATCH, verbose=0)[:, :68]
    labels = landmarks[:, :68, :2]
    boxes = np.stack([tight_box(points) for points in labels])
    relative = relative_errors(np.linalg.norm(predicted - labels, axis=-1), boxes)
    inner = face_errors(relative, slice(17, 68))
    return {"all": float(face_errors(relative).mean()), "inner": float(inner.mean())}


def movement(before: GridModel, after: GridModel) -> dict[str, float]:
    """Returns how far the mean face moved, in millimetres, and how rough that is."""
    moved_by = (after.mean - before.mean).reshape(*before.grid_shape, 3)
    length = np.linalg.norm(moved_by, axis=-1)
    steps = np.linalg.norm(np.diff(moved_by, axis=1), axis=-1)
    return {
        "vertices_moved": int((length > 0).sum()),
        "mean_of_moved_mm": float(length.sum() / max(1, (length > 0).sum())),
        "largest_mm": float(length.max()),
        "largest_step_to_neighbour_mm": float(steps.max()),
    }


def main():
    """Refines, measures and writes the results."""
    parser = experiment_parser(__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--smoothness", type=float, default=20.0)
    parser.add_argument("--save", type=Path, help="where to write the smooth face model (.npz)")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    keras.utils.set_random_seed(0)
    grid_model = GridModel.bundled()
    model = network(grid_model)
    layer = model.get_layer("morphable_model")
    layer.trainable = True
    geometry = keras.Model(model.output["parameters"], model.output["landmarks"])
    measured = {name: parameters_and_labels(model, arguments.faces, [name]) for name in MEASURED_ON}

    def measure(name, changed):
        layer.set_weights([changed.mean, changed.basis])
        row = {place: errors(geometry, *part) for place, part in measured.items()}
        rows[name] = row | {"movement": movement(grid_model, changed)} if rows else row
        print(name, rows[name], flush=True)

    rows: dict[str, dict] = {}
    measure("as bundled", grid_model)
    training = parameters_and_labels(model, arguments.faces, TRAINED_ON, reflected=True)
    refine(geometry, *training, arguments.epochs)
    raw = refined_grid_model(model, grid_model)
    smooth = refined_grid_model(model, grid_model, arguments.smoothness)
    measure("refined", raw)
    measure(f"refined, smoothness {arguments.smoothness:g}", smooth)
    if arguments.save:
        smooth.save(arguments.save)
    record = {"epochs": arguments.epochs, "rows": rows, "versions": versions()}
    out = results_file("face_model_refinement.json", arguments.record)
    write_results(out, record)
    print(out)


if __name__ == "__main__":
    main()
