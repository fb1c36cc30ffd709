"""The whole network and a training step, and how they grow.

python benchmarks/network.py [--threads 2] [--quick] [--record]

The compact localiser with the geometry of the bundled face model and a mask by normals. The peer
has the same localiser, but its geometry is plain TensorFlow with automatic differentiation. A
training step uses Adam and all four losses, and each image is followed by its reflection.
"""

from collections.abc import Callable

import keras
import numpy as np
import plain_operators as plain
import tensorflow as tf
from faces import face_model, photographs
from sizes import BASE, NETWORK_AXES, Size, sizes
from timing import Run

from keras_3dmmstn import TrainingModel, spatial_transformer
from keras_3dmmstn.mesh import GridModel, contour_lines
from keras_3dmmstn.network.losses import (
    LandmarkLoss,
    landmark_loss,
    mirror_pair_loss,
    shape_prior_loss,
    symmetry_loss,
)

WEIGHTS = {"shape_prior": 0.01, "symmetry": 1e-4, "mirror_pairs": 1e-4}
KINDS = {"graph": False, "XLA": True}


def plain_geometry(grid_model: GridModel) -> Callable:
    """Returns the function from image and θ to the outputs of `spatial_transformer`."""
    mean, basis = tf.constant(grid_model.mean), tf.constant(grid_model.basis)
    lines, outward = contour_lines(grid_model)
    inner = grid_model.landmark_indices("ibug68")[len(lines) :]
    shape = grid_model.grid_shape

    def geometry(image, theta):
        r, t, log_scale, alpha = plain.split_parameters(theta)
        rotation = plain.axis_angle_to_matrix(r + 1e-6)  # it is not defined at 0
        rotated = plain.rotate_points(plain.shape_from_coefficients(alpha, mean, basis), rotation)
        scale = plain.log_scale_to_scale(log_scale)
        projected = plain.project_orthographic(rotated)
        points = plain.translate_points(plain.scale_points(projected, scale), t)
        sampled = plain.sample_bilinear(image, plain.points_to_grid(points, shape))
        mask = plain.self_occlusion_mask(rotated, shape)
        directions = tf.einsum("bij,lj->bli", rotation[:, :2, :2], outward)
        jaw = plain.select_outermost(plain.select_points(points, lines), directions)
        landmarks = tf.concat([jaw, plain.select_points(points, inner)], axis=1)
        texture = plain.mask_texture(sampled, mask)
        return {"parameters": theta, "landmarks": landmarks, "texture": texture, "mask": mask}

    return geometry


def plain_network(model: keras.Model, grid_model: GridModel) -> Callable:
    """Returns the network with the localiser of a model and plain geometry."""
    localiser, geometry = model.get_layer("localiser"), plain_geometry(grid_model)
    return lambda image, training=False: geometry(image, localiser(image, training=training))


def step(network: Callable, variables: list, image, labels, xla: bool) -> Callable:
    """Returns a training step on one batch, again and again."""
    optimiser = keras.optimizers.Adam(1e-6)  # the faces stay where they are
    optimiser.build(variables)

    @tf.function(jit_compile=xla)
    def traced(image, labels):
        with tf.GradientTape() as tape:
            out = network(image, training=True)
            loss = tf.reduce_mean(landmark_loss(labels, out["landmarks"], normalise=True))
            prior = shape_prior_loss(out["parameters"][:, 6:])
            symmetry = symmetry_loss(out["texture"], out["mask"])
            pairs = mirror_pair_loss(out["texture"], out["mask"])
            loss += WEIGHTS["shape_prior"] * tf.reduce_mean(prior)
            loss += WEIGHTS["symmetry"] * tf.reduce_mean(symmetry)
            loss += WEIGHTS["mirror_pairs"] * tf.reduce_mean(pairs)
        optimiser.apply(tape.gradient(loss, variables), variables)
        return loss

    return lambda: traced(image, labels)


def fit_step(model: keras.Model, image, labels) -> Callable:
    """Returns a training step as `fit` does it."""
    trainer = TrainingModel(model, **WEIGHTS)
    loss = {"landmarks": LandmarkLoss(normalise=True)}
    trainer.compile(keras.optimizers.Adam(1e-6), loss=loss, jit_compile=False)
    return lambda: trainer.train_on_batch(image, {"landmarks": labels})


def compare_forward(run: Run, model: keras.Model, size: Size, peers: bool) -> None:
    """Times the network on photographs."""
    image = photographs(size.batch, size.image)

    def calls(network):
        traced = {kind: tf.function(network, jit_compile=xla) for kind, xla in KINDS.items()}
        return {kind: lambda f=function: f(image) for kind, function in traced.items()}

    theirs = calls(plain_network(model, face_model(size.grid, size.modes))) if peers else {}
    ours = calls(model)
    if peers:
        plain.assert_same(ours["graph"](), theirs["graph"]())
    run.compare(
        "whole network, forward",
        ours,
        {f"autodiff, {kind}": call for kind, call in theirs.items()},
        3 if peers else 0.8,
        **size.of("batch", "grid", "image", "modes"),
    )


def compare_training(run: Run, model: keras.Model, size: Size, peers: bool) -> None:
    """Times training steps."""
    image, variables = photographs(size.batch, size.image), model.trainable_variables
    count = model.output["landmarks"].shape[1]
    place = np.random.default_rng(0).uniform(0, size.image, (size.batch, count, 2))
    labels = tf.constant(np.concatenate([place, np.ones((size.batch, count, 1))], -1), tf.float32)
    ours = {"graph": step(model, variables, image, labels, xla=False)}
    theirs = {}
    if peers:
        network = plain_network(model, face_model(size.grid, size.modes))
        theirs["autodiff, graph"] = step(network, variables, image, labels, xla=False)
        ours["train_on_batch"] = fit_step(model, image, labels)
    if peers and not run.quick:  # a minute's compilation
        ours["XLA"] = step(model, variables, image, labels, xla=True)
        theirs["autodiff, XLA"] = step(network, variables, image, labels, xla=True)
    run.compare(
        "training step",
        ours,
        theirs,
        6 if peers else 1,
        **size.of("batch", "grid", "image", "modes"),
    )


def main():
    """Times network and training at all sizes."""
    run = Run.from_command_line(__doc__, __file__)
    for size in [BASE] if run.quick else sizes(axes=NETWORK_AXES):
        keras.utils.set_random_seed(0)
        face = face_model(size.grid, size.modes)
        model = spatial_transformer(face, image_size=size.image, visibility="normals")
        # A network of one photograph is what a phone or an interactive program has.
        with_peers = size.batch in (BASE.batch, 1) and size.of("grid", "image", "modes") == BASE.of(
            "grid", "image", "modes"
        )
        compare_forward(run, model, size, with_peers)
        if size.batch > 1:  # reflections come in pairs
            compare_training(run, model, size, size == BASE)
    run.write()


if __name__ == "__main__":
    main()
