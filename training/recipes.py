"""Recipes for training by name."""

from collections.abc import Mapping
from dataclasses import replace

from keras_3dmmstn.training.config import TrainingConfig

_COMPACT = TrainingConfig(
    backbone="compact",
    pretrained="",
    image_size=140,
    landmark_loss="distance",
    shape_prior=0.004,
    symmetry=0.0,
    mirror_pairs=0.0,
    optimiser="adamw",
    batch_size=64,
    epochs=75,
    learning_rate=2e-3,
    schedule="cosine",
    warm_up=0.05,
    weight_decay=1e-2,
    head_kernel_rate=1.0,
    head_bias_rate=1.0,
    augmentation=True,
    scale_deviation=0.1,
)

#: The recipes by name. `compact` is that of the bundled weights.
RECIPES: Mapping[str, TrainingConfig] = {
    "paper": TrainingConfig(),
    "compact": _COMPACT,
    "base": replace(_COMPACT, backbone="base"),
}


def recipe(name: str) -> TrainingConfig:
    """Returns a recipe by name.

    Raises:
        ValueError: if there is no such recipe.
    """
    if name not in RECIPES:
        raise ValueError(f"Expected a recipe among {', '.join(RECIPES)}, received {name!r}.")
    return RECIPES[name]
