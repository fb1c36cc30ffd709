"""The losses and metrics for `compile`, under their public names."""

from keras_3dmmstn.network.identity_losses import identity_pair_loss, tied_identity_loss
from keras_3dmmstn.network.landmark_opening import LandmarkOpeningLoss, opening_loss
from keras_3dmmstn.network.losses import (
    LandmarkDistanceLoss,
    LandmarkError,
    LandmarkLoss,
    landmark_distance_loss,
    landmark_loss,
    mirror_pair_loss,
    multi_view_loss,
    shape_prior_loss,
    symmetry_loss,
)

__all__ = [
    "LandmarkDistanceLoss",
    "LandmarkError",
    "LandmarkLoss",
    "LandmarkOpeningLoss",
    "identity_pair_loss",
    "landmark_distance_loss",
    "landmark_loss",
    "mirror_pair_loss",
    "multi_view_loss",
    "opening_loss",
    "shape_prior_loss",
    "symmetry_loss",
    "tied_identity_loss",
]
