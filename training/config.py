"""The numbers of a training run: the paper's recipe by default."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from keras_3dmmstn.network.focal_length import FOCAL_LENGTHS

# The smallest number that float32, which training uses, represents with full precision.
_SMALLEST = 2.0**-126
# An upper limit for passes, photographs and steps that nobody reaches.
_MOST = 10**9

# The names of settings before version 0.1.0; they will be removed in 0.2.
_FORMER_NAMES = {
    "localiser": "backbone",
    "landmarks": "landmark_weight",
    "rotation": "rotation_deviation",
    "scale": "scale_deviation",
    "shift": "shift_deviation",
    "light": "light_strength",
    "blur": "blur_share",
    "patches": "patch_share",
}


def _setting(default: Any, meaning: str, *, low=-math.inf, high=math.inf, choices=()) -> Any:
    """Declares a setting with its meaning, unit, source and allowed values."""
    limits = {"meaning": meaning, "low": low, "high": high, "choices": choices}
    return field(default=default, metadata=limits)


@dataclass(frozen=True)
class TrainingConfig:
    """How the network is trained.

    The defaults are the paper's recipe: the numbers that Bas et al. 2017 print ("sec. 4") or,
    where they print none, those of their MatConvNet code ("code"). `describe_settings` gives each
    setting's meaning, unit and source. For numbers that had to be converted to this package's
    units, `docs/paper_numbers.md` has the derivation.

    Raises:
        TypeError: if a setting is of another type.
        ValueError: if it is out of range or not one of its choices.
    """

    backbone: str = _setting(
        "vgg_face",
        "backbone of the localiser: vgg_face (sec. 2.1), compact or base",
        choices=("vgg_face", "compact", "base"),
    )
    pretrained: str = _setting(
        "vgg-face.mat",
        "vgg_face: file with its weights as shipped by MatConvNet (code); empty: from scratch",
    )
    image_size: int = _setting(224, "side of the network's input, pixels; code", low=32, high=4096)
    focal_length: float = _setting(
        0.0, "of a perspective camera, in sides of the input; 0: orthographic, sec. 2.2", low=0
    )
    visibility: str = _setting(
        "normals",
        "how hidden parts are excluded from the losses on textures: by normals that face away "
        "(sec. 2.3), a table of occlusions, or depth",
        choices=("normals", "table", "depth"),
    )
    landmark_loss: str = _setting(
        "sum",
        "sum: squared pixels summed over the landmarks (eq. 5); mean: their mean, weighted by "
        "confidence; distance: the mean distance in pixels",
        choices=("sum", "mean", "distance"),
    )
    landmark_weight: float = _setting(
        1.0,
        "weight of the landmark loss; code: 0.8998; all weights are relative to that",
        low=0,
        high=1e9,
    )
    opening_weight: float = _setting(
        0.0,
        "weight of the loss on the openings of lids and inner lips, with landmark_loss distance; "
        "not in the paper",
        low=0,
        high=1e9,
    )
    shape_prior: float = _setting(
        0.111, "weight of |α|² (eq. 6); code: 0.1 / 0.8998 for 5 + 5 modes", low=0, high=1e9
    )
    symmetry: float = _setting(
        1.8,
        "weight of the symmetry loss (eq. 2), mean squared level; code: 1e-4, converted",
        low=0,
        high=1e9,
    )
    mirror_pairs: float = _setting(
        1.8,
        "weight of the siamese loss (eq. 3), mean squared level; code: 1e-4, converted",
        low=0,
        high=1e9,
    )
    identity_pairs: float = _setting(
        0.0,
        "weight of the siamese loss (eq. 3) on two photographs of one person, mean squared level; "
        "0: no pairs",
        low=0,
        high=1e9,
    )
    tied_identity: float = _setting(
        0.0,
        "weight of the squared distance between the identity coefficients of such a pair; not in "
        "the paper",
        low=0,
        high=1e9,
    )
    jaw_confidence: float = _setting(
        1.0,
        "confidence of ibug68 points 0 to 16, which are labelled on the apparent contour; "
        "the paper's 21 points have no jaw line",
        low=0,
        high=1,
    )
    label_share: float = _setting(
        1.0,
        "share of the photographs that keep their labels; the others train unsupervised",
        low=0,
        high=1,
    )
    only_points: str = _setting(
        "all",
        "labels that are kept: all, or five (eye centres, nose tip, mouth corners)",
        choices=("all", "five"),
    )
    optimiser: str = _setting("sgd", "sgd (code) or adamw", choices=("sgd", "adamw"))
    batch_size: int = _setting(
        32,
        "photographs per step, not counting reflections and partners in pairs; code: 32",
        low=1,
        high=_MOST,
    )
    epochs: int = _setting(1000, "passes over the photographs; code", low=1, high=_MOST)
    learning_rate: float = _setting(
        1e-9,
        "highest learning rate; code: 1e-10 for micrometres and a face initially 1000 times too "
        "large, recalibrated",
        low=0,
        high=1e4,
    )
    schedule: str = _setting(
        "constant", "constant (code), or cosine to zero", choices=("constant", "cosine")
    )
    warm_up: float = _setting(
        0.0, "share of the steps over which the learning rate rises linearly; code", low=0, high=0.9
    )
    momentum: float = _setting(0.9, "of sgd; default of cnn_train_dag in the code", low=0, high=1)
    weight_decay: float = _setting(
        5e-4, "per step and learning rate; default of cnn_train_dag in the code", low=0, high=1e4
    )
    head_kernel_rate: float = _setting(
        4.0,
        "learning rate of the last layer's kernel, relative to the rest; sec. 4",
        low=0,
        high=1e6,
    )
    head_bias_rate: float = _setting(
        8.0, "the same for its bias, which has no weight decay; code", low=0, high=1e6
    )
    face_model_rate: float = _setting(
        0.0,
        "learning rate of the face model's mean and modes, millimetres; 0: they are not trained, "
        "as in the paper",
        low=0,
        high=1000,
    )
    face_model_smoothness: float = _setting(
        20.0,
        "cells of the grid over which the saved face model spreads what its landmarks learnt; "
        "0: it is saved as trained",
        low=0,
        high=1000,
    )
    face_model_noise: float = _setting(
        0.08,
        "millimetres by which each mode of the face model moves at random in an epoch; modes and "
        "named expressions are held to their original values accordingly; 0: they are free",
        low=0,
        high=100,
    )
    ema_momentum: float = _setting(
        0.0, "of the average of the weights, which is measured and saved; 0: none", low=0, high=1
    )
    augmentation: bool = _setting(
        False, "whether photographs are changed at random; the code only reflects them"
    )
    rotation_deviation: float = _setting(
        15.0, "augmentation: standard deviation of the in-plane turn, degrees", low=0, high=360
    )
    scale_deviation: float = _setting(
        0.08, "augmentation: standard deviation of the log scale", low=0, high=2
    )
    shift_deviation: float = _setting(
        0.03, "augmentation: standard deviation of the centre, sides of the crop", low=0, high=10
    )
    light_strength: float = _setting(
        1.0,
        "augmentation: strength of changes of exposure, contrast, gamma and colour",
        low=0,
        high=10,
    )
    blur_share: float = _setting(
        0.45,
        "augmentation: share of the crops that are blurred, shrunk, compressed or made noisy",
        low=0,
        high=1,
    )
    patch_share: float = _setting(
        0.3, "augmentation: share of the crops in which a rectangle is hidden", low=0, high=1
    )
    precision: str = _setting(
        "float32",
        "of the localiser's arithmetic; the geometry stays float32",
        choices=("float32", "mixed_float16", "mixed_bfloat16"),
    )
    jit_compile: str = _setting(
        "auto",
        "XLA: on (for everything), off, or auto (everything on a GPU, else losses on textures)",
        choices=("auto", "on", "off"),
    )
    checkpoint_steps: int = _setting(
        0,
        "steps between checkpoints within an epoch; 0: only at the end of each epoch",
        low=0,
        high=_MOST,
    )
    seed: int = _setting(0, "of weights, order and augmentation", low=0, high=2**31 - 1)

    def __post_init__(self):
        for entry in fields(self):
            value = _checked(entry.name, getattr(self, entry.name), type(entry.default))
            _check_range(entry.name, value, entry.metadata)
            object.__setattr__(self, entry.name, value)
        shortest, longest = FOCAL_LENGTHS
        if self.focal_length and not shortest <= self.focal_length <= longest:
            raise ValueError(
                f"TrainingConfig expects `focal_length` to be 0 or within {shortest:g} to "
                f"{longest:g}, received {self.focal_length!r}."
            )
        on_textures = self.symmetry or self.mirror_pairs or self.identity_pairs
        if self.learns_face_model and self.face_model_smoothness and on_textures:
            raise ValueError(
                "TrainingConfig expects a face model that learns to learn from landmarks alone: "
                "losses on textures move all of its vertices, and to smooth that takes away what "
                "the landmarks learnt. Set symmetry, mirror_pairs and identity_pairs to 0, or "
                "face_model_smoothness."
            )

    @property
    def learns_face_model(self) -> bool:
        """Whether the face model is also trained."""
        return self.face_model_rate > 0

    @property
    def compares_people(self) -> bool:
        """Whether each photograph is followed by another of the same person."""
        return self.identity_pairs > 0 or self.tied_identity > 0


def with_settings(config: TrainingConfig, settings: Mapping[str, Any]) -> TrainingConfig:
    """Returns a config with some settings changed.

    Names of settings from before version 0.1.0 are still read, with a FutureWarning.

    Raises:
        TypeError: if a value is of another type than its setting.
        ValueError: if a name is unknown or given twice, or a value is out of range.
    """
    settings, former = by_current_names(settings)
    for name, current in former.items():
        warnings.warn(
            f"The setting {name} is now called {current}; the former name goes in 0.2.",
            FutureWarning,
            stacklevel=2,
        )
    known = [entry.name for entry in fields(TrainingConfig)]
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise ValueError(
            f"Expected settings among {', '.join(known)}, received {', '.join(unknown)}."
        )
    return replace(config, **settings)


def describe_settings() -> dict[str, str]:
    """Returns each setting's meaning, with unit and source."""
    return {entry.name: entry.metadata["meaning"] for entry in fields(TrainingConfig)}


def by_current_names(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns settings by their current names, and the former names used, with the current ones.

    Raises:
        ValueError: if a setting is given by both of its names.
    """
    renamed: dict[str, Any] = {}
    for name, value in settings.items():
        current = _FORMER_NAMES.get(name, name)
        if current in renamed:
            raise ValueError(f"Expected the setting {current} once, received it as {name} too.")
        renamed[current] = value
    former = {name: _FORMER_NAMES[name] for name in settings if name in _FORMER_NAMES}
    return renamed, former


def _checked(name, value, kind):
    """Returns a value as its setting's type; an integer may be a float, but a bool no number."""
    if kind is float and type(value) is int:
        try:
            return float(value)
        except OverflowError:
            raise ValueError(
                f"TrainingConfig expects `{name}` to be a number within ±1.8e308, received an "
                f"integer of {value.bit_length()} bits."
            ) from None
    if type(value) is not kind:
        raise TypeError(
            f"TrainingConfig expects `{name}` to be of type {kind.__name__}, received {value!r}."
        )
    return value


def _check_range(name, value, limits):
    """Raises a ValueError unless a value is allowed."""
    choices, low, high = limits["choices"], limits["low"], limits["high"]
    if choices and value not in choices:
        raise ValueError(
            f"TrainingConfig expects `{name}` to be one of {', '.join(choices)}, "
            f"received {value!r}."
        )
    if isinstance(value, (int, float)) and not (math.isfinite(value) and low <= value <= high):
        above = f"at least {low:g}" if high == math.inf else f"within {low:g} to {high:g}"
        raise ValueError(f"TrainingConfig expects `{name}` to be {above}, received {value!r}.")
    if isinstance(value, float) and 0 < abs(value) < _SMALLEST:
        raise ValueError(
            f"TrainingConfig expects `{name}` to be 0 or at least {_SMALLEST:.2g}, which is what "
            f"float32 can hold, received {value!r}."
        )
