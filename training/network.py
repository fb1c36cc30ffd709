"""The network of a training run: the backbone by name, the losses, and what is saved."""

from dataclasses import replace
from pathlib import Path

import keras
import tensorflow as tf

from keras_3dmmstn.mesh import GridModel
from keras_3dmmstn.network.landmark_opening import LandmarkOpeningLoss
from keras_3dmmstn.network.losses import LandmarkDistanceLoss, LandmarkError, LandmarkLoss
from keras_3dmmstn.network.model import spatial_transformer
from keras_3dmmstn.network.refinement import is_symmetric, refined_grid_model
from keras_3dmmstn.network.residual_localisers import LOCALISERS
from keras_3dmmstn.network.steadying import steadied_grid_model
from keras_3dmmstn.network.training_model import TrainingModel
from keras_3dmmstn.network.vgg_face import vgg_face_backbone
from keras_3dmmstn.training.config import TrainingConfig
from keras_3dmmstn.training.data.labelled_faces import LANDMARK_SET
from keras_3dmmstn.training.optimisation import build_optimiser


def build_network(config: TrainingConfig, grid_model: GridModel) -> keras.Model:
    """Builds the network that is trained, `spatial_transformer` with the config's backbone.

    Raises:
        FileNotFoundError: if the file with pretrained weights is missing.
        ValueError: if it is damaged, the image size does not suit the backbone, or the face model
            lacks landmark sets.
    """
    _check_landmark_sets(grid_model)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(config.precision)
    try:
        model = spatial_transformer(
            grid_model,
            backbone=_backbone(config),
            image_size=config.image_size,
            landmarks=LANDMARK_SET,
            focal_length=config.focal_length or None,
            visibility=config.visibility,
        )
    finally:
        keras.config.set_dtype_policy(before)
    model.get_layer("morphable_model").trainable = config.learns_face_model
    return model


def _check_landmark_sets(grid_model):
    """Raises a ValueError unless a face model has the labels' landmark sets."""
    needed = LANDMARK_SET.split("+")
    if not set(needed) <= set(grid_model.landmarks):
        raise ValueError(
            f"Training needs a face model with the landmark sets {' and '.join(needed)}, this one "
            f"has {' and '.join(grid_model.landmarks) or 'none'}. Build it with "
            "`face-model build --landmarks-from bundled`, which adds those that are missing."
        )


def build_trainer(model: keras.Model, config: TrainingConfig, steps: int) -> keras.Model:
    """Returns the compiled model from images to landmarks that trains the network's weights.

    Args:
        model: the network.
        config: the numbers.
        steps: steps of the whole run.
    """
    trainer = TrainingModel(
        model,
        config.shape_prior,
        config.symmetry,
        config.mirror_pairs,
        jit_textures=config.jit_compile != "off",
        identity_pairs=config.identity_pairs,
        tied_identity=config.tied_identity,
    )
    optimiser = build_optimiser(config, steps)
    if config.precision == "mixed_float16":
        optimiser = keras.optimizers.LossScaleOptimizer(optimiser)
    trainer.compile(
        optimiser,
        loss={"landmarks": _landmark_loss(config)},
        loss_weights={"landmarks": config.landmark_weight},
        metrics={"landmarks": LandmarkError()},
        jit_compile=uses_xla(config) and not tf.distribute.has_strategy(),
        auto_scale_loss=False,
    )
    optimiser.build(trainer.trainable_variables)
    return trainer


def build_measure(model: keras.Model, config: TrainingConfig) -> keras.Model:
    """Returns the compiled model that measures the network on labelled photographs.

    It has only the landmark loss and error: no texture is sampled, and photographs need no
    reflections.
    """
    measure = TrainingModel(model)
    measure.compile(
        loss={"landmarks": _landmark_loss(config)},
        metrics={"landmarks": LandmarkError()},
        jit_compile=uses_xla(config),
    )
    return measure


def uses_xla(config: TrainingConfig) -> bool:
    """Returns whether whole training steps are compiled by XLA.

    By default only on a GPU: on a CPU, XLA's convolutions are about ten times slower than
    TensorFlow's kernels.
    """
    if config.jit_compile == "auto":
        return bool(tf.config.list_logical_devices("GPU"))
    return config.jit_compile == "on"


def inference_localiser(
    config: TrainingConfig, model: keras.Model, grid_model: GridModel
) -> keras.Model:
    """Returns the localiser to save, with its own copy of the weights, in float32.

    Residual localisers take the paper's 224 pixel images, whatever size they were trained at.
    """
    if config.backbone in LOCALISERS:
        return LOCALISERS[config.backbone](grid_model)
    if config.precision == "float32":
        return model.get_layer("localiser")
    unmixed = replace(config, precision="float32")
    return build_network(unmixed, grid_model).get_layer("localiser")


def learnt_face_model(
    config: TrainingConfig, model: keras.Model, grid_model: GridModel
) -> GridModel:
    """Returns the face model of a trained network, as symmetric as it was before.

    An average of weights is also smoothed: `smooth_face_model` smooths the weights themselves after
    each epoch, but not after each step.

    Args:
        config: the numbers.
        model: the network.
        grid_model: its face model when it was built, which is returned if it is not trained.
    """
    return _learnt(config, model, grid_model, bool(config.ema_momentum))


def smooth_face_model(config: TrainingConfig, model: keras.Model, grid_model: GridModel) -> None:
    """Makes the face model of a trained network smooth, steady and as symmetric as before.

    Args:
        config: the numbers; if the face model is not trained, nothing is done.
        model: the network.
        grid_model: its face model when it was built.
    """
    if config.learns_face_model:
        learnt = _learnt(config, model, grid_model, smooth=True)
        model.get_layer("morphable_model").set_weights([learnt.mean, learnt.basis])


def _learnt(config, model, grid_model, smooth):
    """Returns the face model of a network, smooth and steady or exactly as its weights."""
    if not config.learns_face_model:
        return grid_model
    smoothness = config.face_model_smoothness if smooth else 0.0
    noise = config.face_model_noise if smooth else 0.0
    try:
        learnt = refined_grid_model(model, grid_model, smoothness, is_symmetric(grid_model))
        return steadied_grid_model(learnt, grid_model, noise)
    except ValueError as error:
        raise FloatingPointError(
            f"The face model that was learnt is none: {error} Begin another run with a "
            f"face_model_rate smaller than {config.face_model_rate:g}."
        ) from error


def _landmark_loss(config):
    """Returns the landmark loss of a config."""
    if config.landmark_loss == "distance" and config.opening_weight:
        return LandmarkOpeningLoss(config.opening_weight)
    if config.landmark_loss == "distance":
        return LandmarkDistanceLoss()
    return LandmarkLoss(normalise=config.landmark_loss == "mean")


def _backbone(config):
    """Returns the backbone of a config, or its name if it is trained from scratch."""
    if config.backbone in LOCALISERS:
        return config.backbone
    if config.pretrained and not Path(config.pretrained).exists():
        raise FileNotFoundError(
            f"The recipe fine-tunes VGG-Face, but there is no {config.pretrained}. Give the file "
            "vgg-face.mat of MatConvNet's pretrained models as `pretrained`, an empty text to "
            "start from random weights, or take the recipe compact, which needs no file."
        )
    return vgg_face_backbone(config.pretrained or None, config.image_size)
