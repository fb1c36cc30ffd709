"""Gradients of a batch on one device and on two, as a script: TensorFlow's devices are set once.

`two_devices.py FILE` writes an `.npz` with `CASE/DEVICES/NUMBER`, the gradients of one step, and
`CASE/DEVICES/logs`; or `CASE/DEVICES/error`, where that step raised one.
"""

import json
import sys

import keras
import numpy as np
import tensorflow as tf

from keras_3dmmstn import TrainingModel, spatial_transformer
from keras_3dmmstn.mesh.synthetic import toy_grid_model
from keras_3dmmstn.network import losses
from keras_3dmmstn.network.reflection import with_reflections
from tests.support.small_network import look_at_photographs, small_network

ALL_LOSSES = {"shape_prior": 0.25, "symmetry": 1e-3, "mirror_pairs": 1e-3}

# Case: image size, images in a step (without reflections), loss of the landmarks, other losses.
CASES = {
    "sum": (32, 8, losses.LandmarkLoss(), {}),
    "distance": (32, 8, losses.LandmarkDistanceLoss(), {}),
    "mean by confidence, all losses": (32, 4, losses.LandmarkLoss(normalise=True), ALL_LOSSES),
    "parted pair": (32, 3, losses.LandmarkLoss(), {"mirror_pairs": 1e-3, "jit_textures": False}),
    "compact localiser": (140, 4, losses.LandmarkLoss(normalise=True), {}),
}


def build(image_size):
    """Builds a network whose head looks at the photograph; 140 pixels: the compact localiser."""
    grid_model = toy_grid_model((16, 16))
    if image_size < 140:
        return small_network(grid_model, image_size, half_profile=False, visibility="normals")
    keras.utils.set_random_seed(0)
    model = spatial_transformer(grid_model, image_size=image_size)
    look_at_photographs(model.get_layer("localiser"), half_profile=False)
    return model


def batches(image_size, count, in_pairs):
    """Returns one batch in which every face has other confidences, some of them 0."""
    rng = np.random.default_rng(2)
    images = rng.uniform(0, 255, (count, image_size, image_size, 3)).astype("float32")
    position = rng.uniform(0.2, 0.8, (count, 68, 2)) * image_size
    confidence = rng.uniform(0, 1, (count, 68, 1)) * (rng.random((count, 68, 1)) > 0.3)
    labels = np.concatenate([position, confidence], axis=-1).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((images, {"landmarks": labels})).batch(count)
    return dataset.map(with_reflections) if in_pairs else dataset


def gradients_and_logs(strategy, image_size, count, landmark_loss, weights):
    """Takes one step; returns the gradients of all weights and what `fit` logs."""
    with strategy.scope():
        trainer = TrainingModel(build(image_size), **weights)
        # After one step at a rate of 1 the momentum is the negative gradient.
        trainer.compile(
            keras.optimizers.SGD(1.0, momentum=0.5),
            loss={"landmarks": landmark_loss},
            metrics={"landmarks": losses.LandmarkError()},
            jit_compile=False,
            # One device needs no graph, which takes longer to build than to run.
            run_eagerly=strategy.num_replicas_in_sync == 1,
        )
    history = trainer.fit(
        batches(image_size, count, bool(weights)), shuffle=False, verbose=0
    ).history
    gradients = [-momentum.numpy() for momentum in trainer.optimizer.momentums]
    return gradients, {name: float(values[0]) for name, values in history.items()}


def main(path):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategies = {
        "one": tf.distribute.get_strategy(),
        "two": tf.distribute.MirroredStrategy(["cpu:0", "cpu:1"]),
    }
    results = {}
    for case, arguments in CASES.items():
        for devices, strategy in strategies.items():
            try:
                gradients, logs = gradients_and_logs(strategy, *arguments)
            except (ValueError, tf.errors.InvalidArgumentError) as error:
                results[f"{case}/{devices}/error"] = str(error)
                continue
            results |= {f"{case}/{devices}/{i}": g for i, g in enumerate(gradients)}
            results[f"{case}/{devices}/logs"] = json.dumps(logs)
    np.savez(path, **results)


if __name__ == "__main__":
    main(sys.argv[1])
