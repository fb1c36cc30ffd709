"""The face model refined by training, under its public name."""

from keras_3dmmstn.network.refinement import refined_grid_model
from keras_3dmmstn.network.steadying import steadied_grid_model

__all__ = ["refined_grid_model", "steadied_grid_model"]
