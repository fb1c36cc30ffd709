"""The numbers of a training run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingConfig:
    """How the compact localiser is trained.

    Attributes:
        image_size: side of the crops in pixels. The localiser looks at 112 pixels whatever the
            crop; smaller crops are quicker to make, and only texture losses see the difference.
        batch_size: photographs in a step.
        epochs: passes over the photographs.
        learning_rate: the highest; it warms up linearly over `warm_up` of the steps and falls
            to zero as a cosine.
        weight_decay: of AdamW.
        shape_prior: weight of |α|² against the landmark loss: the mean over the landmarks, in
            squared pixels of the crop.
        jaw_confidence: confidence of `ibug68` points 0 to 16. They are labelled on the apparent
            contour, which on a turned head is not a fixed set of vertices.
        rotation: standard deviation of the in-plane turn, degrees.
        scale: standard deviation of the log scale of the crop.
        shift: standard deviation of the crop's centre, in its sides.
        seed: of weights, order and augmentation.
    """

    image_size: int = 112
    batch_size: int = 64
    epochs: int = 60
    learning_rate: float = 2e-3
    warm_up: float = 0.05
    weight_decay: float = 1e-2
    shape_prior: float = 0.01
    jaw_confidence: float = 0.5
    rotation: float = 15.0
    scale: float = 0.08
    shift: float = 0.03
    seed: int = 0
