"""Cars: a morphable model, a network and normalised textures of objects that are no faces.

python experiments/other_objects/cars.py [--crops 3000] [--epochs 6] [--out FOLDER] [--record]

Car bodies with the same topology become a shape model, which is flattened and re-meshed on a grid.
A network is trained from random weights on pictures of painted cars, with visible landmarks, the
shape prior and the symmetry of textures. It prints the errors of landmarks on cars that it has not
seen, and of their textures. The figure shows held-out cars in several poses with their textures and
the mean of these.

To continue after a stop, repeat the command. Results go to FOLDER, by default
build/experiments/cars; with `--record` the table goes to experiments/results and the figure to
docs/figures.
"""

import argparse
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from car_data import CROP_SIZE, crops
from car_figure import car_figure
from car_model import car_model
from car_textures import measure_textures

from keras_3dmmstn import Normaliser, TrainingModel, spatial_transformer
from keras_3dmmstn.losses import LandmarkDistanceLoss, LandmarkError
from keras_3dmmstn.reflection import with_reflections

ROOT = Path(__file__).parents[2]
HELD_OUT, BATCH, LEARNING_RATE = 500, 16, 2e-3


def trained(grid_model, training, epochs, out):
    """Returns a network trained on crops; it goes on where it stopped."""
    model = spatial_transformer(
        grid_model, image_size=CROP_SIZE, landmarks="car", visibility="normals"
    )
    mirror = grid_model.mirror_permutation("car")
    dataset = tf.data.Dataset.from_tensor_slices(
        (training.images, {"landmarks": training.landmarks})
    )
    dataset = dataset.shuffle(len(training.images), seed=1).batch(BATCH, drop_remainder=True)
    dataset = dataset.map(lambda image, labels: with_reflections(image, labels, mirror=mirror))
    steps = epochs * (len(training.images) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=LEARNING_RATE, warmup_steps=steps // 20
    )
    trainer = TrainingModel(model, shape_prior=0.004, symmetry=1e-4)
    trainer.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.01),
        {"landmarks": LandmarkDistanceLoss()},
        metrics={"landmarks": LandmarkError()},
    )
    stopped = keras.callbacks.BackupAndRestore(out / "backup", delete_checkpoint=False)
    trainer.fit(dataset.prefetch(2), epochs=epochs, shuffle=False, callbacks=[stopped], verbose=2)
    return model


def landmark_errors(predicted, labels):
    """Returns the mean error of each crop over the landmarks that are seen, `(n,)` pixels."""
    distance = np.linalg.norm(predicted - labels[..., :2], axis=-1)
    return np.average(distance, axis=1, weights=labels[..., 2])


def measured(model, grid_model, training, held_out):
    """Returns landmark errors in pixels of the crop: of the network, and of what sees no image."""
    fresh = spatial_transformer(grid_model, image_size=CROP_SIZE, landmarks="car")
    mean = np.average(
        training.landmarks[..., :2], axis=0, weights=np.repeat(training.landmarks[..., 2:], 2, -1)
    )
    found = model.predict(held_out.images.astype(np.float32), verbose=0)["landmarks"]
    rest = fresh.predict(np.zeros((1, CROP_SIZE, CROP_SIZE, 3)), verbose=0)["landmarks"]
    rows = {"network": found, "mean shape at the mean pose": rest, "mean of the landmarks": mean}
    results = {}
    for name, predicted in rows.items():
        errors = landmark_errors(np.broadcast_to(predicted, found.shape), held_out.landmarks)
        median, worst = np.quantile(errors, [0.5, 0.95])
        results[name] = {
            "mean": round(float(errors.mean()), 2),
            "median": round(float(median), 2),
            "95 %": round(float(worst), 2),
        }
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=int, default=3000, help="to train on")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--out", type=Path, default=ROOT / "build/experiments/cars")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(1)

    out = arguments.out
    held_out = crops(out / "crops", "held out", HELD_OUT)
    training = crops(out / "crops", "training", arguments.crops)
    grid_model = car_model()
    model = trained(grid_model, training, arguments.epochs, out)
    normaliser = Normaliser(model.get_layer("localiser"), grid_model, texture_size=256)
    normaliser.save(out / "network")

    results = {
        "crops": arguments.crops,
        "epochs": arguments.epochs,
        "landmarks": measured(model, grid_model, training, held_out),
        "textures": measure_textures(normaliser),
    }
    print(json.dumps(results, indent=1))
    (out / "cars.json").write_text(json.dumps(results, indent=1) + "\n")
    car_figure(normaliser, out / "cars.jpg")
    if arguments.record:
        shutil.copy(out / "cars.json", ROOT / "experiments/results/cars.json")
        shutil.copy(out / "cars.jpg", ROOT / "docs/figures/cars.jpg")


if __name__ == "__main__":
    main()
