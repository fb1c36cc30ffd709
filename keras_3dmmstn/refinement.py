"""The face model that a training refined, under its public name."""

from keras_3dmmstn.network.refinement import refined_grid_model

__all__ = ["refined_grid_model"]
